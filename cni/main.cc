#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "cni/invocation.h"
#include "common/base/log.h"
#include "common/linux/file.h"
#include "common/linux/netns_visit.h"
#include "common/linux/nftables_socket.h"
#include "common/linux/run_server.h"

namespace trivet::cni {
namespace {

constexpr std::string_view kHelp =
    "trivet-cni is a CNI plugin: a container runtime runs it with CNI_COMMAND, CNI_CONTAINERID, "
    "...\n"
    "in its environment and the network configuration on standard input. Types: bandwidth,\n"
    "bridge, firewall, host-local, loopback, portmap, ptp, static, tuning, by the name it is\n"
    "run under or by \"type\".\n"
    "\n"
    "  --check-config FILE  say what is wrong with a network configuration (list), and exit\n"
    "  --serve-runs         for trivet-cri: stay loaded, and do run after run\n"
    "  --version            print the version, and exit\n"
    "  --help               print this, and exit\n";

std::optional<std::string> LookUpInEnvironment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

int Fail(const Error& error) {
  WriteLogLine(LogLevel::kError, "trivet-cni", error.message());
  return EXIT_FAILURE;
}

int Print(std::string_view text) {
  const auto written = WriteAll(STDOUT_FILENO, text, "standard output");
  return written ? EXIT_SUCCESS : Fail(written.error());
}

int CheckConfig(const std::filesystem::path& file) {
  const auto text = ReadFile(file, kMaxInputBytes);
  if (!text) return Fail(text.error());
  auto checked = CheckConfiguration(*text);
  if (!checked) return Fail(std::move(checked).error().Wrap(file.native()));
  return EXIT_SUCCESS;
}

Output RunOnce(const char* program, std::string_view input) {
  return Invoke(std::filesystem::path(program).filename().native(), LookUpInEnvironment, input);
}

int RunAsPlugin(const char* program) {
  const nft::NetfilterSocketReuse reuse;  // closed when the answer is given and the locks are free
  auto input = ReadAll(STDIN_FILENO, "standard input", kMaxInputBytes);
  if (!input && input.error().code() != Code::kOutOfRange) return Fail(input.error());
  // One byte too many, whatever it was: the limit is the command's to report, as an error object.
  const std::string text = input ? std::move(*input) : std::string(kMaxInputBytes + 1, ' ');
  const Output output = RunOnce(program, text);
  const int printed = Print(output.text);
  return output.exit_status == 0 ? printed : output.exit_status;
}

int Serve() {
  const nft::NetfilterSocketReuse reuse;
  const OwnNetworkNamespaceReuse own_namespace;
  return ServeRuns(RunServer::kSocketFd, [](const ServedRun& run) {
    Output output = RunOnce(run.name, run.input);
    return ServedResult{.exit_code = output.exit_status, .output = std::move(output.text)};
  });
}

int RunFlags(std::string_view flag, const char* value) {
  if (flag == "--version") return Print("trivet-cni " TRIVET_VERSION "\n");
  if (flag == "--help" || flag == "-h") return Print(kHelp);
  if (flag == kServeRunsFlag) return Serve();
  if (flag == "--check-config" && value != nullptr) return CheckConfig(value);
  WriteLogLine(LogLevel::kError, "trivet-cni", fmt::format("unknown flag {}; see --help", flag));
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace trivet::cni

int main(int argc, char** argv) {
  if (argc > 1) return trivet::cni::RunFlags(argv[1], argc > 2 ? argv[2] : nullptr);
  return trivet::cni::RunAsPlugin(argv[0]);
}
