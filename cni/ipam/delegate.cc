#include "cni/ipam/delegate.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace trivet::cni {
namespace {

// The runtime has a deadline of its own; this one only keeps a stuck delegate from outliving it.
constexpr std::chrono::minutes kDeadline(4);
constexpr int kInvalidEnvironment = 4;
constexpr int kTryAgainLater = 11;
constexpr int kNotAvailable = 50;
constexpr int kNotAvailableLimited = 51;

// Our environment with another command: a failed ADD is undone by the delegate's DEL.
std::vector<std::string> EnvironmentWith(std::vector<std::string> overrides) {
  const auto overridden = [&](std::string_view variable) {
    return std::any_of(overrides.begin(), overrides.end(), [&](const std::string& other) {
      return variable.starts_with(other.substr(0, other.find('=') + 1));
    });
  };
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!overridden(*variable)) variables.emplace_back(*variable);
  }
  variables.insert(variables.end(), overrides.begin(), overrides.end());
  return variables;
}

int CodeOf(const RunOutput& run) {
  int code = 0;
  if (const auto answer = json::Parse(run.out); answer && answer->is_object()) {
    (void)json::ReadOptional(*answer, "code", code);
  }
  return code;
}

// The error object on standard output, where there is one: {code, msg, details}.
Error FailureOf(const std::string& type, const RunOutput& run) {
  int code = 0;
  std::string message;
  std::string details;
  if (const auto answer = json::Parse(run.out); answer && answer->is_object()) {
    const bool readable = json::ReadOptional(*answer, "code", code).has_value() &&
                          json::ReadOptional(*answer, "msg", message).has_value() &&
                          json::ReadOptional(*answer, "details", details).has_value();
    if (!readable) message = run.out;
  }
  if (message.empty()) message = fmt::format("exit status {}: {}", run.exit_code, run.err);
  if (!details.empty()) message += ": " + details;
  const bool later = code == kTryAgainLater || code == kNotAvailable;
  if (code == kNotAvailableLimited) {
    return {Code::kFailedPrecondition, fmt::format("ipam {}: {}", type, message)};
  }
  return {later ? Code::kUnavailable : Code::kInternal, fmt::format("ipam {}: {}", type, message)};
}

// Ours under another name: it would take its type from the same configuration, and wait for the
// lock that its caller holds.
bool IsThisProgram(const std::filesystem::path& program) {
  struct stat ours{};
  struct stat theirs{};
  return ::stat("/proc/self/exe", &ours) == 0 && ::stat(program.c_str(), &theirs) == 0 &&
         ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

}  // namespace

Result<std::filesystem::path> FindPlugin(const Environment& environment, const std::string& type) {
  if (type.find('/') != std::string::npos) {
    return Fail(Code::kInvalidArgument, "ipam: type: '{}' is not a plugin's name", type);
  }
  for (const std::filesystem::path& folder : environment.plugin_path) {
    std::filesystem::path program = folder / type;
    if (::access(program.c_str(), X_OK) != 0) continue;
    if (!IsThisProgram(program)) return program;
    return Fail(Code::kInvalidArgument, "ipam: type: '{}' is no IPAM plugin: {} is trivet-cni",
                type, program.native());
  }
  return Fail(Code::kInvalidArgument, "ipam: type: '{}' is not built in and not in CNI_PATH", type);
}

Result<RunOutput> Delegate::Start(const Overrides& overrides) {
  ASSIGN_OR_RETURN(const std::filesystem::path program, FindPlugin(environment_, conf_.ipam_type));
  const trivet::Command run{
      .program = program, .args = {}, .environment = EnvironmentWith(overrides)};
  return RunCommand(run, json::Write(conf_.root), {.timeout = kDeadline});
}

Result<std::string> Delegate::Run(const Overrides& overrides) {
  ASSIGN_OR_RETURN(RunOutput output, Start(overrides), "ipam");
  if (output.exit_code != 0) return std::unexpected(FailureOf(conf_.ipam_type, output));
  return std::move(output.out);
}

Result<AddResult> Delegate::Add() {
  ASSIGN_OR_RETURN(const std::string output, Run({"CNI_COMMAND=ADD"}));
  ASSIGN_OR_RETURN(const json::Value answer, json::Parse(output), "ipam answer");
  return ParseAddResult(answer);
}

Result<> Delegate::Del() {
  RETURN_IF_ERROR(Run({"CNI_COMMAND=DEL"}));
  return {};
}

Result<> Delegate::Check() {
  RETURN_IF_ERROR(Run({"CNI_COMMAND=CHECK"}));
  return {};
}

Result<> Delegate::Release(const AttachmentKey& key) {
  RETURN_IF_ERROR(
      Run({"CNI_COMMAND=DEL", "CNI_NETNS=", fmt::format("CNI_CONTAINERID={}", key.container_id),
           fmt::format("CNI_IFNAME={}", key.ifname)}));
  return {};
}

Result<> Delegate::Gc(const std::vector<AttachmentKey>& /*valid*/) {
  // It reads the list from the same standard input.
  ASSIGN_OR_RETURN(const RunOutput output, Start({"CNI_COMMAND=GC"}), "ipam");
  const bool unknown_command = CodeOf(output) == kInvalidEnvironment;
  if (output.exit_code == 0 || unknown_command) return {};
  return std::unexpected(FailureOf(conf_.ipam_type, output));
}

Result<> Delegate::Status() {
  RETURN_IF_ERROR(Run({"CNI_COMMAND=STATUS"}));
  return {};
}

}  // namespace trivet::cni
