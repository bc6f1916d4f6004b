#include "cni/ipam/delegate.h"

#include <unistd.h>

#include "common/linux/command.h"

namespace trivet::cni {
namespace {

// The runtime has a deadline of its own; this one only keeps a stuck delegate from outliving it.
constexpr std::chrono::minutes kDeadline(4);
constexpr int kTryAgainLater = 11;
constexpr int kNotAvailable = 50;
constexpr int kNotAvailableLimited = 51;

Result<std::filesystem::path> FindPlugin(const Environment& environment, const std::string& type) {
  if (type.find('/') != std::string::npos) {
    return Fail(Code::kInvalidArgument, "ipam: type: '{}' is not a plugin's name", type);
  }
  for (const std::filesystem::path& folder : environment.plugin_path) {
    std::filesystem::path program = folder / type;
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return Fail(Code::kInvalidArgument, "ipam: type: '{}' is not built in and not in CNI_PATH", type);
}

// Our environment with another command: a failed ADD is undone by the delegate's DEL.
std::vector<std::string> EnvironmentFor(std::string_view command) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("CNI_COMMAND=")) variables.emplace_back(*variable);
  }
  variables.push_back(fmt::format("CNI_COMMAND={}", command));
  return variables;
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

}  // namespace

Result<std::string> Delegate::Run(std::string_view command) {
  const std::string& type = conf_.ipam_type;
  ASSIGN_OR_RETURN(const std::filesystem::path program, FindPlugin(environment_, type));
  const trivet::Command run{.program = program, .args = {}, .environment = EnvironmentFor(command)};
  ASSIGN_OR_RETURN(RunOutput output,
                   RunCommand(run, json::Write(conf_.root), {.timeout = kDeadline}), "ipam");
  if (output.exit_code != 0) return std::unexpected(FailureOf(type, output));
  return std::move(output.out);
}

Result<AddResult> Delegate::Add() {
  ASSIGN_OR_RETURN(const std::string output, Run("ADD"));
  ASSIGN_OR_RETURN(const json::Value answer, json::Parse(output), "ipam answer");
  return ParseAddResult(answer);
}

Result<> Delegate::Del() {
  RETURN_IF_ERROR(Run("DEL"));
  return {};
}

Result<> Delegate::Check() {
  RETURN_IF_ERROR(Run("CHECK"));
  return {};
}

Result<> Delegate::Gc(const std::vector<AttachmentKey>& /*valid*/) {
  RETURN_IF_ERROR(Run("GC"));  // reads the list from the same standard input
  return {};
}

Result<> Delegate::Status() {
  RETURN_IF_ERROR(Run("STATUS"));
  return {};
}

}  // namespace trivet::cni
