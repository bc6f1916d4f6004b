#include "cri-runtime/cni/plugin.h"

#include <unistd.h>

#include "common/linux/command.h"

namespace trivet::network {
namespace {

constexpr int kTryAgainLater = 11;

std::string Join(const std::vector<std::filesystem::path>& directories) {
  std::string joined;
  for (const auto& directory : directories) {
    joined += (joined.empty() ? "" : ":") + directory.native();
  }
  return joined;
}

std::string JoinArgs(const Attachment& attachment) {
  std::string joined;
  for (const auto& [name, value] : attachment.args) {
    joined += (joined.empty() ? "" : ";") + name + "=" + value;
  }
  return joined;
}

Result<std::filesystem::path> FindProgram(const std::vector<std::filesystem::path>& directories,
                                          const std::string& type) {
  for (const auto& directory : directories) {
    if (::access((directory / type).c_str(), X_OK) == 0) return directory / type;
  }
  return Fail(Code::kNotFound, "no plugin {} in {}", type, Join(directories));
}

std::vector<std::string> Environment(const std::vector<std::filesystem::path>& directories,
                                     std::string_view command, const Attachment& attachment) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("CNI_")) environment.emplace_back(*entry);
  }
  environment.push_back(fmt::format("CNI_COMMAND={}", command));
  environment.push_back(fmt::format("CNI_PATH={}", Join(directories)));
  if (attachment.container_id.empty()) return environment;  // GC, STATUS, VERSION
  environment.push_back(fmt::format("CNI_CONTAINERID={}", attachment.container_id));
  environment.push_back(fmt::format("CNI_NETNS={}", attachment.netns.native()));
  environment.push_back(fmt::format("CNI_IFNAME={}", attachment.ifname));
  environment.push_back(fmt::format("CNI_ARGS={}", JoinArgs(attachment)));
  return environment;
}

// Once or more for each pod; the others once in a while for the node.
bool IsFrequent(std::string_view command) {
  return command == "ADD" || command == "DEL" || command == "PREPARE";
}

// A plugin that fails prints {"code", "msg", "details"}; one that crashes prints what it likes.
std::unexpected<Error> PluginFailure(const std::string& type, std::string_view command,
                                     const RunOutput& output) {
  int code = 0;
  std::string message;
  std::string details;
  if (const auto error = json::Parse(output.out); error && error->is_object()) {
    // What has another type than the specification says is left out of the message.
    static_cast<void>(json::ReadOptional(*error, "code", code));
    static_cast<void>(json::ReadOptional(*error, "msg", message));
    static_cast<void>(json::ReadOptional(*error, "details", details));
  }
  if (message.empty()) message = output.err.empty() ? output.out : output.err;
  while (message.ends_with('\n')) message.pop_back();
  return Fail(code == kTryAgainLater ? Code::kUnavailable : Code::kInternal,
              "{} {}: exit code {}, error {}: {}{}{}", type, command, output.exit_code, code,
              message, details.empty() ? "" : "; ", details);
}

}  // namespace

std::shared_ptr<const void> FindOwnPlugin(OwnPlugins& own,
                                          const std::vector<std::filesystem::path>& directories,
                                          const std::string& type) {
  const auto program = FindProgram(directories, type);
  return program ? own.FileOf(*program) : nullptr;
}

Result<json::Value> ExecutePlugin(OwnPlugins& own,
                                  const std::vector<std::filesystem::path>& directories,
                                  const Execution& wanted, const Attachment& attachment,
                                  const json::Value& config) {
  const auto& [type, command, timeout, beside] = wanted;
  ASSIGN_OR_RETURN(const std::filesystem::path program, FindProgram(directories, type));
  const Command execution{.program = program,
                          .environment = Environment(directories, command, attachment)};
  const std::string input = json::Write(config);
  ASSIGN_OR_RETURN(const RunOutput output,
                   IsFrequent(command) ? own.Run(execution, input, timeout, beside)
                                       : RunCommand(execution, input, {.timeout = timeout}),
                   fmt::format("{} {}", type, command));
  if (output.exit_code != 0) return PluginFailure(type, command, output);
  if (output.out.find_first_not_of(" \t\r\n") == std::string::npos) return json::Value(nullptr);
  ASSIGN_OR_RETURN(json::Value result, json::Parse(output.out),
                   fmt::format("{} {}: result", type, command));
  return result;
}

}  // namespace trivet::network
