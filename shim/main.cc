#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/base/log.h"
#include "common/linux/file.h"
#include "proto/trivet/shim.h"
#include "proto/trivet/wire.h"
#include "shim/children.h"
#include "shim/event_loop.h"
#include "shim/namespaces.h"
#include "shim/paths.h"
#include "shim/reaper.h"
#include "shim/scope_keeper.h"
#include "shim/self_protection.h"
#include "shim/supervisor.h"

namespace trivet::shim {
namespace {

constexpr const char* kHelp =
    "usage: trivet-shim --run-dir DIR [--ready-fd N [--wait]]\n\n"
    "Holds one pod: its namespaces, its containers and their logs. Started by trivet-cri.\n\n"
    "  --run-dir DIR   folder with the file \"spec\"; \"sock\" and \"pid\" are made in it\n"
    "  --ready-fd N    where \"ready\" is written once the socket listens\n"
    "  --wait          N is a socket: a byte of it is awaited before \"spec\" is read\n"
    "  --keep-scope    instead: leave a process that holds a systemd scope, and print its pid\n"
    "  --version       print the version\n"
    "  --help          print this\n";

struct Options {
  Paths paths;
  int ready_fd = -1;
  bool waits = false;
  bool keeps_scope = false;
};

Result<> TellReady(const Options& options) {
  RETURN_IF_ERROR(WriteFileVolatile(options.paths.pid(), std::to_string(::getpid()) + "\n"));
  if (options.ready_fd < 0) return {};
  const UniqueFd ready(options.ready_fd);
  return WriteAll(ready.get(), "ready\n", "ready-fd");
}

// False when the daemon has ended, or has no use for this shim.
bool AwaitSpec(const Options& options) {
  char word = 0;
  ssize_t n = -1;
  do {
    n = ::read(options.ready_fd, &word, sizeof word);
  } while (n < 0 && errno == EINTR);
  return n == sizeof word;
}

Result<std::optional<Child>> StartReaperIfShared(const SandboxSpec& spec,
                                                 const UserNamespace& user_namespace,
                                                 const Paths& paths) {
  if (spec.pid != NamespaceMode::kPod) return std::nullopt;
  ASSIGN_OR_RETURN(Child reaper, StartReaper(spec, user_namespace, paths.root().native()));
  return reaper;
}

// While an upgrade is under way the daemon may still be the one before netns_is_made, the last
// field: then it is false.
Result<SandboxSpec> ReadSpec(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  auto spec = wire::DecodeKept<SandboxSpec>(text, kMinor);
  if (!spec) {
    if (auto earlier = wire::Decode<SandboxSpec>(text + '\0')) return earlier;
    return Fail(spec.error().code(), "{}: {}: trivet-cri and trivet-shim are of different versions",
                file.native(), spec.error().message());
  }
  return spec;
}

Result<> Run(const Options& options, char* const* argv) {
  RETURN_IF_ERROR(EnsureReadOnlyProgram(argv));
  if (options.keeps_scope) return LeaveScopeKeeper();
  RETURN_IF_ERROR(HardenProcess());
  ASSIGN_OR_RETURN(EventLoop loop, EventLoop::Open());
  ASSIGN_OR_RETURN(const auto children, Children::Watch(loop));
  if (options.waits && !AwaitSpec(options)) return {};
  ASSIGN_OR_RETURN(SandboxSpec spec, ReadSpec(options.paths.spec()));
  RETURN_IF_ERROR(EnsureDirectory(options.paths.root()));
  ASSIGN_OR_RETURN(UserNamespace user_namespace, MakePodNamespaces(spec));
  ASSIGN_OR_RETURN(std::optional<Child> reaper,
                   StartReaperIfShared(spec, user_namespace, options.paths));

  Supervisor supervisor({std::move(spec), std::move(user_namespace), std::move(reaper)},
                        options.paths, loop, *children);
  RETURN_IF_ERROR(supervisor.Listen());
  RETURN_IF_ERROR(TellReady(options));
  ::malloc_trim(0);
  return loop.Run();
}

// The value of a flag that must be a number, or -1.
int ParseFd(const char* text) {
  char* end = nullptr;
  const long number = std::strtol(text, &end, 10);
  return *text != '\0' && *end == '\0' && number > 2 && number < 1024 ? static_cast<int>(number)
                                                                      : -1;
}

// Exits after --help, --version and wrong usage.
Options ParseOptions(int argc, char** argv) {
  const option known[] = {{"run-dir", required_argument, nullptr, 'd'},
                          {"ready-fd", required_argument, nullptr, 'r'},
                          {"wait", no_argument, nullptr, 'w'},
                          {"keep-scope", no_argument, nullptr, 'k'},
                          {"version", no_argument, nullptr, 'v'},
                          {"help", no_argument, nullptr, 'h'},
                          {nullptr, 0, nullptr, 0}};
  Options options;
  bool wrong = false;
  for (int flag = 0; (flag = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    switch (flag) {
      case 'd':
        options.paths.run_dir = optarg;
        break;
      case 'r':
        options.ready_fd = ParseFd(optarg);
        wrong |= options.ready_fd < 0;
        break;
      case 'w':
        options.waits = true;
        break;
      case 'k':
        options.keeps_scope = true;
        break;
      case 'v':
        std::puts("trivet-shim " TRIVET_VERSION);
        std::exit(EXIT_SUCCESS);
      case 'h':
        std::fputs(kHelp, stdout);
        std::exit(EXIT_SUCCESS);
      default:
        wrong = true;
    }
  }
  wrong |= options.waits && options.ready_fd < 0;
  if (!wrong && optind == argc && options.keeps_scope) return options;
  if (!wrong && optind == argc && options.paths.run_dir.is_absolute()) return options;
  std::fputs(
      "trivet-shim: --run-dir with an absolute path, and --ready-fd for --wait; see --help\n",
      stderr);
  std::exit(EXIT_FAILURE);
}

}  // namespace
}  // namespace trivet::shim

int main(int argc, char** argv) {
  const trivet::shim::Options options = trivet::shim::ParseOptions(argc, argv);
  const auto result = trivet::shim::Run(options, argv);
  if (result) return EXIT_SUCCESS;
  trivet::WriteLogLine(trivet::LogLevel::kError, "trivet-shim", result.error().message());
  if (options.ready_fd >= 0) {
    static_cast<void>(trivet::WriteAll(options.ready_fd, result.error().message(), "ready-fd"));
  }
  return EXIT_FAILURE;
}
