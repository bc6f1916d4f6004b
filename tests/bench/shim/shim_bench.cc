// Measures trivet-shim beside the kernel's own floor, round by round in turn: starting a pod, a
// container, an exec; and what memory a pod takes.
// Usage: shim_bench TRIVET_SHIM FOLDER [ROUNDS]. tests/bench/shim/run gives it namespaces of its
// own.

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/bench/shim/bench_root.h"
#include "tests/bench/shim/kernel_floor.h"
#include "tests/bench/shim/samples.h"
#include "tests/testing/shim_client.h"

namespace trivet::bench {
namespace {

using testing::ShimClient;

struct Plan {
  std::filesystem::path shim;
  std::filesystem::path folder;
  int rounds = 100;
};

class Bench {
 public:
  Bench(Plan plan, BenchRoot root) : plan_(std::move(plan)), root_(std::move(root)) {}

  Result<> Run() {
    for (int round = 0; round < plan_.rounds; ++round) {
      RETURN_IF_ERROR(FloorRound(), "floor");
      RETURN_IF_ERROR(ShimRound(round + 1 == plan_.rounds), "shim");
    }
    samples_.Print();
    return {};
  }

 private:
  Result<> FloorRound() {
    const std::string netns = plan_.folder / "floor-netns";
    RETURN_IF_ERROR(WriteFileVolatile(netns, ""));
    auto pod = samples_.Time("1 pod: floor", [&] { return floor::StartPod(netns.c_str()); });
    if (!pod) return std::unexpected(pod.error());
    const std::string attach_point = plan_.folder / "attach";
    RETURN_IF_ERROR(EnsureDirectory(attach_point));
    auto container = samples_.Time(
        "2 container: floor", [&] { return floor::StartContainer(root_, attach_point.c_str()); });
    if (!container) return std::unexpected(container.error());
    RETURN_IF_ERROR(samples_.Time("3 exec: floor", [&] { return floor::Exec(*container); }));
    RETURN_IF_ERROR(End(*container));
    RETURN_IF_ERROR(End(*pod));
    ::umount2(netns.c_str(), MNT_DETACH);
    return {};
  }

  static Result<> End(const Child& child) {
    RETURN_IF_ERROR(SendSignal(child.pidfd, SIGKILL));
    ASSIGN_OR_RETURN([[maybe_unused]] const int exit_code, Reap(child.pidfd));
    return {};
  }

  Result<> ShimRound(bool last) {
    auto shim = samples_.Time("1 pod: trivet-shim, spawn to ready", [&] { return StartShim(); });
    if (!shim) return std::unexpected(shim.error());
    ASSIGN_OR_RETURN(ShimClient client, ShimClient::Connect(RunDir() / "sock"));
    RETURN_IF_ERROR(Call("4 Hello (the socket itself)", client, shim::Verb::kHello, shim::Empty{}));
    if (last) PrintMemory("idle", shim->pid);
    RETURN_IF_ERROR(StartContainer(client));
    if (last) PrintMemory("with one container", shim->pid);
    RETURN_IF_ERROR(Exec(client));
    if (last) PrintMemory("after an exec", shim->pid);
    RETURN_IF_ERROR(Call("5 RemoveContainer, running", client, shim::Verb::kRemoveContainer,
                         shim::ContainerRef{"c1"}));
    RETURN_IF_ERROR(Call("6 Shutdown", client, shim::Verb::kShutdown, shim::Empty{}));
    ASSIGN_OR_RETURN([[maybe_unused]] const int exit_code, Reap(shim->pidfd));
    return {};
  }

  [[nodiscard]] std::filesystem::path RunDir() const { return plan_.folder / "s1"; }

  Result<Child> StartShim() const {
    const shim::SandboxSpec spec{.id = "s1",
                                 .hostname = "bench",
                                 .pid = shim::NamespaceMode::kContainer,
                                 .netns_path = plan_.folder / "netns"};
    RETURN_IF_ERROR(EnsureDirectory(RunDir()));
    RETURN_IF_ERROR(WriteFileVolatile(RunDir() / "spec", wire::Encode(spec)));
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    ASSIGN_OR_RETURN(Child child,
                     StartCommand({.program = plan_.shim,
                                   .args = {"--run-dir", RunDir().native(), "--ready-fd", "3"}},
                                  {{2, 2}, {3, writer.get()}}));
    writer.reset();
    ASSIGN_OR_RETURN(const std::string answer, ReadAll(reader.get(), "ready"));
    if (answer != "ready\n") return Fail(Code::kInternal, "{}", answer);
    return child;
  }

  template <class Request>
  Result<> Call(const std::string& name, ShimClient& client, shim::Verb verb,
                const Request& request, const std::vector<int>& fds = {}) {
    const auto answer = samples_.Time(name, [&]() -> Result<std::string> {
      ASSIGN_OR_RETURN(const uint32_t serial, client.Send(verb, wire::Encode(request), fds));
      return client.AwaitAnswer(serial);
    });
    if (!answer) return std::unexpected(answer.error());
    return {};
  }

  Result<> StartContainer(ShimClient& client) {
    using shim::MountKind;
    shim::ContainerSpec spec{
        .id = "c1", .root_fd_index = 0, .pid = shim::NamespaceMode::kContainer};
    spec.process.args = {"/bin/sleep", "1000"};
    spec.mounts = {{.kind = MountKind::kProc, .target = "/proc"},
                   {.kind = MountKind::kDev, .target = "/dev", .attributes = MOUNT_ATTR_NODEV},
                   {.kind = MountKind::kDevpts, .target = "/dev/pts"},
                   {.kind = MountKind::kDetached, .target = "/usr", .fd_index = 1}};
    const auto start = Samples::Clock::now();
    ASSIGN_OR_RETURN(const UniqueFd root, root_.Root());
    ASSIGN_OR_RETURN(const UniqueFd usr, BenchRoot::Usr());
    RETURN_IF_ERROR(Call("2a CreateContainer", client, shim::Verb::kCreateContainer, spec,
                         {root.get(), usr.get()}));
    RETURN_IF_ERROR(
        Call("2b StartContainer", client, shim::Verb::kStartContainer, shim::ContainerRef{"c1"}));
    samples_.Add("2 container: trivet-shim, create to execve", Samples::Clock::now() - start);
    return {};
  }

  Result<> Exec(ShimClient& client) {
    shim::ExecRequest request{.id = "c1"};
    request.process.args = {"/bin/true"};
    return Call("3 exec: trivet-shim, call to exit code", client, shim::Verb::kExec, request);
  }

  static void PrintMemory(const char* when, pid_t pid) {
    const auto text = ReadFile("/proc/" + std::to_string(pid) + "/smaps_rollup");
    std::printf("memory %s:", when);
    for (const std::string key : {"Rss:", "Pss:", "Private_Dirty:"}) {
      const size_t at = text ? text->find(key) : std::string::npos;
      if (at == std::string::npos) continue;
      std::printf("  %s %ld KiB", key.c_str(),
                  std::strtol(text->c_str() + at + key.size(), nullptr, 10));
    }
    std::printf("\n");
  }

  const Plan plan_;
  const BenchRoot root_;
  Samples samples_;
};

Result<> Run(const Plan& plan) {
  ASSIGN_OR_RETURN(BenchRoot root, BenchRoot::Make(plan.folder / "root"));
  return Bench(plan, std::move(root)).Run();
}

}  // namespace
}  // namespace trivet::bench

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: shim_bench TRIVET_SHIM FOLDER [ROUNDS]\n");
    return EXIT_FAILURE;
  }
  trivet::bench::Plan plan{.shim = argv[1], .folder = argv[2]};
  if (argc > 3) plan.rounds = std::max(1, std::atoi(argv[3]));
  const auto result = trivet::bench::Run(plan);
  if (result) return EXIT_SUCCESS;
  std::fprintf(stderr, "shim_bench: %s\n", result.error().message().c_str());
  return EXIT_FAILURE;
}
