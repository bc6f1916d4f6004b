#include "tests/testing/shim_pod.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"

namespace trivet::testing {
namespace {

using std::chrono::milliseconds;

// A root as an image would give it. The node's programs come by a mount of their own.
void FillRoot(const std::filesystem::path& root) {
  for (const char* folder : {"dev", "proc", "sys", "etc", "tmp", "usr"}) {
    std::filesystem::create_directories(root / folder);
  }
  for (const char* name : {"bin", "lib", "lib64", "sbin"}) {
    std::filesystem::create_symlink(std::string("usr/") + name, root / name);
  }
  std::filesystem::permissions(root / "tmp", std::filesystem::perms::all);
}

shim::ContainerSpec PlainSpec() {
  using shim::MountKind;
  shim::ContainerSpec spec{.id = "c1", .root_fd_index = 0, .pid = shim::NamespaceMode::kContainer};
  spec.process.env = {"PATH=/usr/bin:/bin", "HOME=/"};
  spec.process.bounding_caps = spec.process.effective_caps = 0xa80425fb;  // the field's usual ones
  spec.mounts = {{.kind = MountKind::kProc, .target = "/proc"},
                 {.kind = MountKind::kDev, .target = "/dev", .attributes = MOUNT_ATTR_NODEV},
                 {.kind = MountKind::kDevpts, .target = "/dev/pts"},
                 {.kind = MountKind::kDetached, .target = "/usr", .fd_index = 1}};
  return spec;
}

}  // namespace

uint64_t ShimTest::AllCaps() {
  return ~uint64_t{0};
}

std::string ShimTest::FilterAgainst(uint32_t system_call, uint32_t action) {
  const sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, system_call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  return {reinterpret_cast<const char*>(filter), sizeof filter};
}

void ShimTest::SetUp() {
  NamespaceTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  std::filesystem::create_directories(run_dir_);
}

// A container outlives its shim (the daemon ends it by its cgroup, which there is none of here).
void ShimTest::TearDown() {
  if (!shim_.pidfd.valid()) return;
  client_.reset();
  std::vector<UniqueFd> children;
  for (const pid_t pid : Children()) {
    if (auto pidfd = OpenPidfd(pid)) children.push_back(std::move(*pidfd));
  }
  EXPECT_THAT(SendSignal(shim_.pidfd, SIGKILL), IsOk());
  EXPECT_THAT(Reap(shim_.pidfd), IsOk());
  for (const UniqueFd& child : children) static_cast<void>(SendSignal(child, SIGKILL));
}

void ShimTest::StartPod(const std::function<void(shim::SandboxSpec&)>& change) {
  shim::SandboxSpec spec{.id = "s1",
                         .hostname = "pod-host",
                         .network = shim::NamespaceMode::kNode,
                         .pid = shim::NamespaceMode::kContainer};
  change(spec);
  ASSERT_THAT(WriteFileVolatile(run_dir_ / "spec", wire::Encode(spec)), IsOk());
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ready[0]);
  UniqueFd writer(ready[1]);
  auto shim =
      StartCommand({.program = std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-shim",
                    .args = {"--run-dir", run_dir_.native(), "--ready-fd", "3"}},
                   {{2, 2}, {3, writer.get()}});
  ASSERT_THAT(shim, IsOk());
  shim_ = std::move(*shim);
  writer.reset();
  ASSERT_EQ(*ReadAll(reader.get(), "ready"), "ready\n");
  auto client = ShimClient::Connect(run_dir_ / "sock");
  ASSERT_THAT(client, IsOk());
  client_ = std::move(*client);
  // When it answers the second time, it has made what it makes after the first.
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT((client_->Call<shim::State>(shim::Verb::kHello, shim::Empty{})), IsOk());
  }
}

Result<> ShimTest::CreateContainer(const std::string& script, const Change& change) {
  Setup setup{.spec = PlainSpec()};
  setup.spec.process.args = {"/bin/sh", "-c", script};
  setup.spec.log_path = log_.native();
  setup.spec.exit_path = exit_.native();
  std::filesystem::create_directories(setup.root);
  ASSIGN_OR_RETURN(DetachedMount tmpfs, DetachedMount::Tmpfs({{"mode", "755"}}));
  RETURN_IF_ERROR(std::move(tmpfs).AttachTo(setup.root));
  FillRoot(setup.root);
  ASSIGN_OR_RETURN(DetachedMount usr, DetachedMount::Bind(std::filesystem::path("/usr")));
  setup.fds.emplace_back();
  setup.fds.push_back(std::move(usr).TakeFd());
  change(setup);
  ASSIGN_OR_RETURN(DetachedMount root, DetachedMount::Bind(setup.root));
  setup.fds[0] = std::move(root).TakeFd();

  std::vector<int> numbers;
  for (const UniqueFd& fd : setup.fds) numbers.push_back(fd.get());
  ASSIGN_OR_RETURN([[maybe_unused]] const auto created,
                   client_->Call<shim::Empty>(shim::Verb::kCreateContainer, setup.spec, numbers));
  return {};
}

Result<shim::Started> ShimTest::StartContainer() {
  return client_->Call<shim::Started>(shim::Verb::kStartContainer, shim::ContainerRef{"c1"});
}

Result<> ShimTest::RemoveContainer() {
  RETURN_IF_ERROR(
      client_->Call<shim::Empty>(shim::Verb::kRemoveContainer, shim::ContainerRef{"c1"}));
  return {};
}

std::vector<pid_t> ShimTest::Children() const {
  std::vector<pid_t> children;
  std::istringstream pids(
      ReadFile(fmt::format("/proc/{0}/task/{0}/children", shim_.pid)).value_or(""));
  for (pid_t pid = 0; pids >> pid;) children.push_back(pid);
  return children;
}

Result<ShimTest::Outcome> ShimTest::Run(const std::string& script, const Change& change) {
  RETURN_IF_ERROR(CreateContainer(script, change), "create");
  ASSIGN_OR_RETURN([[maybe_unused]] const auto started, StartContainer());
  ASSIGN_OR_RETURN(shim::ExitRecord exit, client_->AwaitExit(), "exit");
  return Outcome{std::move(exit), LogText()};
}

Result<ShimTest::ExecOutcome> ShimTest::Exec(
    const std::string& script, const std::function<void(shim::ExecRequest&)>& change) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  shim::ExecRequest request{.id = "c1", .stdout_fd_index = 0, .stderr_fd_index = 1};
  request.process = PlainSpec().process;
  request.process.args = {"/bin/sh", "-c", script};
  change(request);
  auto result =
      client_->Call<shim::ExecResult>(shim::Verb::kExec, request, {writer.get(), writer.get()});
  writer.reset();
  if (!result) return std::unexpected(result.error());
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);  // what was left running may hold the pipe
  std::string out(65536, '\0');
  const ssize_t n = ::read(reader.get(), out.data(), out.size());
  out.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return ExecOutcome{*result, out};
}

std::string ShimTest::Log() const {
  return ReadFile(log_).value_or("");
}

std::string ShimTest::LogText() const {
  std::istringstream lines(Log());
  std::string text;
  for (std::string time, stream, tag, rest; lines >> time >> stream >> tag;) {
    lines.get();
    std::getline(lines, rest);
    text += rest + (tag == "F" ? "\n" : "");
  }
  return text;
}

bool ShimTest::LogSays(const std::string& words) const {
  for (int i = 0; i < 2000; ++i) {
    if (LogText().find(words) != std::string::npos) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

}  // namespace trivet::testing
