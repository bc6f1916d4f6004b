#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "common/linux/cgroup.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

// In a group of its own below /trivet-test.
class PodCgroupTest : public testing::ShimTest {
 protected:
  void SetUp() override {
    ShimTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    cgroups_ = std::move(*Cgroups::Open());
    ASSERT_THAT(cgroups_->Create(group_), IsOk());
  }
  void TearDown() override {
    ShimTest::TearDown();
    if (cgroups_ == nullptr) return;
    EXPECT_THAT(cgroups_->Kill(group_, milliseconds(5000)), IsOk());
    const auto files = cgroups_->EntryFiles(group_);
    EXPECT_THAT(cgroups_->Remove(group_), IsOk());
    for (const auto& file : files) ::rmdir(file.parent_path().parent_path().c_str());
  }
  void InGroup(Setup& setup) const {
    setup.spec.cgroup_v2 = cgroups_->BirthFolder(group_).native();
    for (const auto& file : cgroups_->EntryFiles(group_)) {
      setup.spec.cgroup_procs.push_back(file.native());
    }
  }
  std::string group_ = "/trivet-test/shim-" + std::to_string(::getpid());
  std::unique_ptr<Cgroups> cgroups_;
};

TEST_F(PodCgroupTest, SaysThatAContainerWasKilledForLackOfMemory) {
  ASSERT_THAT(
      cgroups_->SetLimits(group_, {.memory_bytes = 15 << 20, .memory_and_swap_bytes = 15 << 20}),
      IsOk());
  StartPod();
  const auto outcome = Run("exec tail /dev/zero", [&](Setup& setup) { InGroup(setup); });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit.exit_code, 137);
  EXPECT_TRUE(outcome->exit.oom_killed);
}

TEST_F(PodCgroupTest, SaysThatTheMemoryIsTooLittleToStart) {
  ASSERT_THAT(cgroups_->SetLimits(group_, {.memory_bytes = 4096, .memory_and_swap_bytes = 4096}),
              IsOk());
  StartPod();
  ASSERT_THAT(CreateContainer("true", [&](Setup& setup) { InGroup(setup); }), IsOk());
  EXPECT_THAT(StartContainer(), FailsWith(Code::kAborted, "for lack of memory"));
  const auto exit = client_->AwaitExit();
  ASSERT_THAT(exit, IsOk());
  EXPECT_EQ(exit->exit_code, 128);
  EXPECT_TRUE(exit->oom_killed);
}

// More than the group may have, which execve takes before it leaves the old program. Source:
// copy_strings() in fs/exec.c; the limit is a quarter of that of the stack, and 6 MiB.
void GiveBigArguments(shim::ProcessSpec& process) {
  constexpr size_t kMost = 128 << 10;  // MAX_ARG_STRLEN, with its end
  constexpr size_t kCount = 40;
  process.rlimits.push_back({.resource = RLIMIT_STACK, .soft = 64 << 20, .hard = 64 << 20});
  process.args.insert(process.args.end(), kCount, std::string(kMost - 1, 'x'));
}
constexpr uint64_t kLessThanTheArguments = 4 << 20;

TEST_F(PodCgroupTest, SaysThatTheMemoryIsTooLittleForExecve) {
  ASSERT_THAT(cgroups_->SetLimits(group_, {.memory_bytes = kLessThanTheArguments,
                                           .memory_and_swap_bytes = kLessThanTheArguments}),
              IsOk());
  StartPod();
  ASSERT_THAT(CreateContainer("true",
                              [&](Setup& setup) {
                                InGroup(setup);
                                GiveBigArguments(setup.spec.process);
                              }),
              IsOk());
  EXPECT_THAT(StartContainer(), FailsWith(Code::kAborted, "for lack of memory"));
  const auto exit = client_->AwaitExit();
  ASSERT_THAT(exit, IsOk());
  EXPECT_EQ(exit->exit_code, 128);
  EXPECT_TRUE(exit->oom_killed);
}

TEST_F(PodCgroupTest, SaysThatTheMemoryIsPerhapsTooLittleForAnExec) {
  StartPod();
  ASSERT_THAT(CreateContainer("exec sleep 1000", [&](Setup& setup) { InGroup(setup); }), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  ASSERT_THAT(cgroups_->SetLimits(group_, {.memory_bytes = kLessThanTheArguments,
                                           .memory_and_swap_bytes = kLessThanTheArguments}),
              IsOk());
  EXPECT_THAT(Exec("true", [](auto& request) { GiveBigArguments(request.process); }),
              FailsWith(Code::kAborted,
                        "killed by signal 9 before its program ran, perhaps for lack of memory"));
}

// An update may have made it while the process that waits was on its way into the other groups.
TEST_F(PodCgroupTest, StartsInACpusetThatCameAfterTheCreation) {
  if (cgroups_->is_v2()) GTEST_SKIP() << "on cgroup v2 there is one group for all";
  StartPod();
  ASSERT_THAT(CreateContainer("exec sleep 1000", [&](Setup& setup) { InGroup(setup); }), IsOk());
  for (int i = 0; i < 1000 && cgroups_->Processes(group_)->empty(); ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  ASSERT_THAT(*cgroups_->Processes(group_), SizeIs(1));
  ASSERT_THAT(cgroups_->SetLimits(group_, {.cpuset_cpus = "0"}), IsOk());
  const std::string first = std::to_string(cgroups_->Processes(group_)->front());
  ASSERT_THAT(WriteControlFile("/sys/fs/cgroup/cpuset/trivet-test/cgroup.procs", first), IsOk());
  const auto started = StartContainer();
  ASSERT_THAT(started, IsOk());
  EXPECT_THAT(*ReadFile("/proc/" + std::to_string(started->pid) + "/cgroup"),
              HasSubstr(":cpuset:" + group_ + "\n"));
}

// As systemd and container runtimes do in a container of their own.
TEST_F(PodCgroupTest, StartsAnExecWhereTheContainerHasGroupsOfItsOwn) {
  if (!cgroups_->is_v2()) GTEST_SKIP() << "only cgroup v2 keeps processes out of inner groups";
  StartPod();
  ASSERT_THAT(CreateContainer("exec sleep 1000", [&](Setup& setup) { InGroup(setup); }), IsOk());
  const auto started = StartContainer();
  ASSERT_THAT(started, IsOk());
  const std::filesystem::path folder = cgroups_->BirthFolder(group_);
  ASSERT_TRUE(std::filesystem::create_directories(folder / "a/b"));
  ASSERT_THAT(WriteControlFile(folder / "a/b/cgroup.procs", std::to_string(started->pid)), IsOk());
  ASSERT_THAT(WriteControlFile(folder / "cgroup.subtree_control", "+pids"), IsOk());
  const auto outcome = Exec("cat /proc/self/cgroup");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->out, "0::/a/b\n");
}

TEST_F(PodCgroupTest, StartsAContainerInsideItsGroupAndItsExecs) {
  StartPod();
  ASSERT_THAT(CreateContainer("exec sleep 1000", [&](Setup& setup) { InGroup(setup); }), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  EXPECT_THAT(*cgroups_->Processes(group_), SizeIs(1));
  EXPECT_THAT(Exec("cat /proc/self/cgroup")->out, HasSubstr(":/\n"));  // its own namespace's root
}

TEST_F(PodCgroupTest, KillsWhatIsLeftOfAContainerInASharedPidNamespace) {
  StartPod([](auto& spec) { spec.pid = shim::NamespaceMode::kPod; });
  const auto outcome = Run("setsid sleep 1000 & exit 0", [&](Setup& setup) {
    setup.spec.pid = shim::NamespaceMode::kPod;
    InGroup(setup);
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(cgroups_->Kill(group_, milliseconds(1000)), IsOk());
  EXPECT_THAT(*cgroups_->Processes(group_), IsEmpty());
}

TEST_F(PodCgroupTest, ShowsTheContainerItsOwnGroupReadOnly) {
  StartPod();
  const auto outcome =
      Run("find /sys/fs/cgroup -name memory.events -o -name memory.limit_in_bytes; "
          "mkdir /sys/fs/cgroup/x /sys/fs/cgroup/memory/x",
          [&](Setup& setup) {
            InGroup(setup);
            setup.spec.mounts.push_back({.kind = shim::MountKind::kSysfs, .target = "/sys"});
            setup.spec.mounts.push_back({.kind = shim::MountKind::kCgroup,
                                         .target = "/sys/fs/cgroup",
                                         .attributes = MOUNT_ATTR_RDONLY});
          });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->out, HasSubstr("/memory."));
  EXPECT_THAT(outcome->out, HasSubstr("Read-only file system"));
}

// The flags of the node's cgroup2, which are those of the file system.
std::string UnifiedOptions() {
  const std::string mounts = *ReadFile("/proc/self/mountinfo");
  const size_t start = mounts.find(" - cgroup2 ");
  return start == std::string::npos ? "" : mounts.substr(start, mounts.find('\n', start) - start);
}

TEST_F(PodCgroupTest, StaysInTheNodesCgroupNamespaceWhereTheSpecSaysSo) {
  StartPod();
  ASSERT_THAT(client_->Greet(shim::kMinor), IsOk());
  const std::string options = UnifiedOptions();
  ASSERT_THAT(CreateContainer("exec sleep 1000",
                              [&](Setup& setup) {
                                InGroup(setup);
                                setup.spec.node_cgroups = true;
                                setup.spec.mounts.push_back(
                                    {.kind = shim::MountKind::kSysfs, .target = "/sys"});
                                setup.spec.mounts.push_back(
                                    {.kind = shim::MountKind::kCgroup, .target = "/sys/fs/cgroup"});
                              }),
              IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  const std::string own = std::filesystem::read_symlink("/proc/self/ns/cgroup").native();
  EXPECT_EQ(Exec("readlink /proc/self/ns/cgroup")->out, own + "\n");
  EXPECT_THAT(Exec("cat /proc/self/cgroup")->out, HasSubstr(':' + group_ + '\n'));
  const std::string group = cgroups_->is_v2() ? "/sys/fs/cgroup" + group_ : "/sys/fs/cgroup/pids";
  const auto group_has_me = Exec("grep -x $$ " + group + "/cgroup.procs >/dev/null && echo yes");
  EXPECT_EQ(group_has_me->out, "yes\n");
  // A mount that the container makes is not the node's, and the node's flags are what they were.
  EXPECT_EQ(Exec("mkdir " + group + "/x && rmdir " + group + "/x && echo made")->out, "made\n");
  EXPECT_EQ(UnifiedOptions(), options);
}

TEST_F(PodCgroupTest, RefusesARootOfAHierarchyAsGroup) {
  StartPod();
  EXPECT_THAT(CreateContainer("true",
                              [&](Setup& setup) {
                                const auto root = cgroups_->EntryFiles("/").front();
                                setup.spec.cgroup_procs = {root.native()};
                              }),
              FailsWith(Code::kInvalidArgument, "cgroup"));
}

}  // namespace
}  // namespace trivet
