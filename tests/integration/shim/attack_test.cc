#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

constexpr uint64_t kSysPtrace = uint64_t{1} << 19;

// Containers that try what others have got out by. docs/security.md has the list.
class AttackTest : public testing::ShimTest {
 protected:
  void SharePidNamespace() {
    StartPod([](auto& spec) { spec.pid = shim::NamespaceMode::kPod; });
  }
  static void InPodsPidNamespace(Setup& setup) { setup.spec.pid = shim::NamespaceMode::kPod; }
};

// CVE-2024-21626, by the program's path: close-on-exec closes only after the path was walked.
TEST_F(AttackTest, FindsNoFolderThroughADescriptorOfTheShim) {
  StartPod();
  ASSERT_THAT(CreateContainer("sleep 1000"), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  for (int fd = 3; fd < 64; ++fd) {
    const std::string folder = "/proc/self/fd/" + std::to_string(fd) + "/.";
    const auto outcome = Exec("", [&](auto& request) { request.process.args = {folder}; });
    ASSERT_FALSE(outcome.has_value());
    const int error = outcome.error().sys_errno();
    EXPECT_THAT(outcome.error().message(),
                ::testing::AnyOf(HasSubstr("No such file"), HasSubstr("Not a directory")))
        << folder << " " << error;
  }
}

TEST_F(AttackTest, FindsNoFolderThroughADescriptorAsItsFirstProgram) {
  StartPod();
  constexpr const char* kTry = R"(cd /proc/self/fd && ls)";
  ASSERT_THAT(
      CreateContainer(kTry, [](Setup& setup) { setup.spec.process.args = {"/proc/self/fd/3/."}; }),
      IsOk());
  const auto started = StartContainer();
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().message(),
              ::testing::AnyOf(HasSubstr("No such file"), HasSubstr("Not a directory")));
}

// /proc/1 of a shared PID namespace is a process of ours: with SYS_PTRACE its root can be opened.
TEST_F(AttackTest, FindsNothingOfTheNodeThroughTheRootOfPidOne) {
  SharePidNamespace();
  const auto outcome = Run("ls -A /proc/1/root/; cat /proc/1/mountinfo | wc -l", [](Setup& setup) {
    InPodsPidNamespace(setup);
    setup.spec.process.bounding_caps |= kSysPtrace;
    setup.spec.process.effective_caps |= kSysPtrace;
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->out, "1\n");
}

TEST_F(AttackTest, FindsPidOneWithoutCapabilitiesAndDescriptors) {
  SharePidNamespace();
  const auto outcome =
      Run("sed -n 's/^\\(Cap...\\|NoNewPrivs\\):[\\t ]*//p' /proc/1/status; ls /proc/1/fd | wc -l",
          [](Setup& setup) {
            InPodsPidNamespace(setup);
            setup.spec.process.bounding_caps |= kSysPtrace;
            setup.spec.process.effective_caps |= kSysPtrace;
          });
  ASSERT_THAT(outcome, IsOk());
  std::string expected;
  for (int set = 0; set < 5; ++set) expected += "0000000000000000\n";
  EXPECT_EQ(outcome->out, expected + "1\n0\n");
}

// CVE-2019-5736: a script of the container that is interpreted by the shim itself.
TEST_F(AttackTest, CannotWriteToTheShimThatRunsAsItsInterpreter) {
  SharePidNamespace();
  constexpr uint64_t kProgramBytes = uint64_t{1} << 30;  // of a sanitizer build, too
  const std::string exe = "/proc/" + std::to_string(shim_.pid) + "/exe";
  const auto program = ReadFile(exe, kProgramBytes);
  ASSERT_THAT(program, IsOk());
  const auto outcome = Run("(echo x >/proc/1/exe) 2>&1; /tmp/script; true", [](Setup& setup) {
    InPodsPidNamespace(setup);
    ASSERT_THAT(WriteFileVolatile(setup.root / "tmp/script", "#!/proc/1/exe\n"), IsOk());
    std::filesystem::permissions(setup.root / "tmp/script", std::filesystem::perms::all);
    setup.spec.process.bounding_caps = setup.spec.process.effective_caps = AllCaps();
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->out,
              ::testing::AnyOf(HasSubstr("Read-only file system"), HasSubstr("Text file busy")));
  EXPECT_TRUE(*ReadFile(exe, kProgramBytes) == *program);
}

// A folder of logs that a container can write to holds a FIFO under the log's name: opening it
// would wait for a reader for ever, and the whole pod with it.
TEST_F(AttackTest, CannotStopTheShimByAFifoInPlaceOfItsLog) {
  StartPod();
  ASSERT_EQ(::mkfifo(log_.c_str(), 0600), 0);
  ASSERT_THAT(CreateContainer("sleep 1000"), IsOk());
  EXPECT_THAT(StartContainer(), FailsWith(Code::kInvalidArgument, "not a regular file"));
}

TEST_F(AttackTest, CannotStopTheShimByAFifoThatItsLogIsRotatedTo) {
  StartPod();
  ASSERT_THAT(CreateContainer("sleep 1000"), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  std::filesystem::remove(log_);
  ASSERT_EQ(::mkfifo(log_.c_str(), 0600), 0);
  EXPECT_THAT((client_->Call<shim::Empty>(shim::Verb::kReopenLog, shim::ContainerRef{"c1"})),
              FailsWith(Code::kInvalidArgument, "not a regular file"));
}

// A line of the log is one line of the output, whatever is in it.
TEST_F(AttackTest, CannotForgeALineOfItsLog) {
  StartPod();
  ASSERT_THAT(Run("printf 'a\\r2026-01-01T00:00:00.000000000Z stderr F forged\\n'"), IsOk());
  EXPECT_THAT(Log(), ::testing::EndsWith("forged\n"));
  EXPECT_EQ(std::ranges::count(Log(), '\n'), 1);
  EXPECT_THAT(Log(), HasSubstr(" stdout F a\r"));
}

// CVE-2025-52565: a pty multiplexer of the image's own is no terminal of ours.
TEST_F(AttackTest, CannotGiveTheShimATerminalOfItsOwn) {
  StartPod();
  ASSERT_THAT(CreateContainer("tty",
                              [](Setup& setup) {
                                std::erase_if(setup.spec.mounts, [](const auto& mount) {
                                  return mount.target == "/dev/pts" || mount.target == "/dev";
                                });
                                std::filesystem::create_directories(setup.root / "dev/pts");
                                ASSERT_EQ(::mkfifo((setup.root / "dev/pts/ptmx").c_str(), 0666), 0);
                                setup.spec.process.terminal = true;
                              }),
              IsOk());
  EXPECT_THAT(StartContainer(), FailsWith(Code::kInternal, "make a terminal"));
}

// A link in place of /dev/console, in a /dev that the image brings: nothing outside is touched.
TEST_F(AttackTest, CannotLeadTheConsoleOutOfItsRoot) {
  StartPod();
  ASSERT_THAT(WriteFileVolatile("/run/target", "kept"), IsOk());
  const auto outcome = Run("cat /proc/self/mountinfo | grep -c run/target", [](Setup& setup) {
    std::filesystem::create_directories(setup.root / "own-dev/pts");
    std::filesystem::create_symlink("../../../../run/target", setup.root / "own-dev/console");
    auto tree = DetachedMount::Bind(setup.root / "own-dev");
    ASSERT_THAT(tree, IsOk());
    std::erase_if(setup.spec.mounts, [](const auto& mount) { return mount.target == "/dev"; });
    setup.spec.mounts.insert(setup.spec.mounts.begin(),
                             {.kind = shim::MountKind::kDetached,
                              .target = "/dev",
                              .fd_index = static_cast<int32_t>(setup.fds.size())});
    setup.fds.push_back(std::move(*tree).TakeFd());
    setup.spec.process.terminal = true;
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(*ReadFile("/run/target"), "kept");
  EXPECT_FALSE(*IsMountPoint("/run/target"));
  EXPECT_THAT(outcome->out, HasSubstr("1"));  // it is below the container's root
}

// CVE-2019-16884, CVE-2019-19921, CVE-2025-52881: what is written for a process goes to the node's
// /proc before the container's own is there.
TEST_F(AttackTest, GetsItsOomScoreWhateverItsProcIs) {
  StartPod();
  const auto fake = [](Setup& setup) {
    std::filesystem::create_directories(setup.root / "fake/self");
    ASSERT_THAT(WriteFileVolatile(setup.root / "fake/self/oom_score_adj", "fake\n"), IsOk());
    auto tree = DetachedMount::Bind(setup.root / "fake");
    ASSERT_THAT(tree, IsOk());
    std::erase_if(setup.spec.mounts, [](const auto& mount) { return mount.target == "/proc"; });
    setup.spec.mounts.push_back({.kind = shim::MountKind::kDetached,
                                 .target = "/proc",
                                 .fd_index = static_cast<int32_t>(setup.fds.size())});
    setup.fds.push_back(std::move(*tree).TakeFd());
    setup.spec.process.oom_score_adj = 500;
  };
  ASSERT_THAT(CreateContainer("cat /proc/self/oom_score_adj; exec sleep 1000", fake), IsOk());
  const auto started = StartContainer();
  ASSERT_THAT(started, IsOk());
  EXPECT_TRUE(LogSays("fake"));
  EXPECT_EQ(*ReadFile("/proc/" + std::to_string(started->pid) + "/oom_score_adj"), "500\n");
}

}  // namespace
}  // namespace trivet
