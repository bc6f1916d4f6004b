#include "cni/environment.h"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/text.h"

namespace trivet::cni {
namespace {

constexpr size_t kMaxIdentifierBytes = 255;
constexpr size_t kMaxArgsBytes = 65536;

constexpr std::array<std::pair<std::string_view, Command>, 7> kCommands{
    {{"ADD", Command::kAdd},
     {"DEL", Command::kDel},
     {"CHECK", Command::kCheck},
     {"GC", Command::kGc},
     {"STATUS", Command::kStatus},
     {"VERSION", Command::kVersion},
     {"PREPARE", Command::kPrepare}}};

constexpr std::array<std::string_view, 8> kKnownArgs{
    "IgnoreUnknown",     "IP",           "GATEWAY",     "MAC",
    "K8S_POD_NAMESPACE", "K8S_POD_NAME", "K8S_POD_UID", "K8S_POD_INFRA_CONTAINER_ID"};

bool IsIdentifierByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

Result<Command> ParseCommand(std::string_view text) {
  for (const auto& [name, command] : kCommands) {
    if (text == name) return command;
  }
  return Fail(Code::kInvalidArgument,
              "CNI_COMMAND: '{}' is none of ADD, DEL, CHECK, GC, STATUS, "
              "VERSION",
              text);
}

std::vector<std::filesystem::path> SplitPath(std::string_view text) {
  std::vector<std::filesystem::path> folders;
  for (const std::string_view folder : SplitAt(text, ':')) {
    if (!folder.empty()) folders.emplace_back(folder);
  }
  return folders;
}

bool IsTrue(std::string_view text) {
  return text == "1" || text == "true" || text == "TRUE" || text == "True";
}

Result<> ReadAttachmentVariables(const LookUpVariable& look_up, Environment& environment) {
  environment.container_id = look_up("CNI_CONTAINERID").value_or("");
  environment.ifname = look_up("CNI_IFNAME").value_or("");
  environment.netns = look_up("CNI_NETNS").value_or("");
  RETURN_IF_ERROR(CheckIdentifier(environment.container_id), "CNI_CONTAINERID");
  RETURN_IF_ERROR(CheckInterfaceName(environment.ifname), "CNI_IFNAME");
  if (environment.netns.empty() && environment.command != Command::kDel) {
    return Fail(Code::kInvalidArgument, "CNI_NETNS: missing");
  }
  return {};
}

}  // namespace

std::string Environment::Arg(const std::string& key) const {
  const auto found = args.find(key);
  return found == args.end() ? std::string() : found->second;
}

Result<> CheckIdentifier(std::string_view id) {
  if (id.empty()) return Fail(Code::kInvalidArgument, "missing");
  if (id.size() > kMaxIdentifierBytes) {
    return Fail(Code::kInvalidArgument, "longer than {} bytes", kMaxIdentifierBytes);
  }
  const bool opens_well = id.front() != '_' && id.front() != '.' && id.front() != '-';
  if (!opens_well || !std::all_of(id.begin(), id.end(), IsIdentifierByte)) {
    return Fail(Code::kInvalidArgument,
                "'{}' is not letters, digits, '_', '.', '-' opening with a letter or digit", id);
  }
  return {};
}

Result<> CheckInterfaceName(std::string_view name) {
  if (name.empty()) return Fail(Code::kInvalidArgument, "missing");
  if (name.size() >= IFNAMSIZ) {
    return Fail(Code::kInvalidArgument, "'{}' is longer than {} bytes", name, IFNAMSIZ - 1);
  }
  const bool taken = name == "." || name == "..";
  const bool clean = std::all_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte < 0x7f && c != '/' && c != ':' && c != '%';
  });
  if (taken || !clean) {
    return Fail(Code::kInvalidArgument, "'{}' is not an interface name", name);
  }
  return {};
}

Result<std::map<std::string, std::string>> ParseCniArgs(std::string_view text) {
  if (text.size() > kMaxArgsBytes) {
    return Fail(Code::kInvalidArgument, "CNI_ARGS: longer than {} bytes", kMaxArgsBytes);
  }
  std::map<std::string, std::string> args;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string_view::npos ||
        pair.find('=', equals + 1) != std::string_view::npos) {
      return Fail(Code::kInvalidArgument, "CNI_ARGS: '{}' is not KEY=VALUE", pair);
    }
    args[std::string(pair.substr(0, equals))] = pair.substr(equals + 1);
  }

  const auto ignore = args.find("IgnoreUnknown");
  if (ignore != args.end() && IsTrue(ignore->second)) return args;
  for (const auto& [key, value] : args) {
    if (std::find(kKnownArgs.begin(), kKnownArgs.end(), key) == kKnownArgs.end()) {
      return Fail(Code::kInvalidArgument,
                  "CNI_ARGS: '{}' is not known, and IgnoreUnknown=1 is not "
                  "given",
                  key);
    }
  }
  return args;
}

Result<Environment> ParseEnvironment(const LookUpVariable& look_up) {
  Environment environment;
  const auto command = look_up("CNI_COMMAND");
  if (!command) return Fail(Code::kInvalidArgument, "CNI_COMMAND: missing");
  ASSIGN_OR_RETURN(environment.command, ParseCommand(*command));
  if (environment.command == Command::kVersion) return environment;

  environment.plugin_path = SplitPath(look_up("CNI_PATH").value_or(""));
  if (environment.command == Command::kGc || environment.command == Command::kStatus) {
    return environment;
  }
  RETURN_IF_ERROR(ReadAttachmentVariables(look_up, environment));
  ASSIGN_OR_RETURN(environment.args, ParseCniArgs(look_up("CNI_ARGS").value_or("")));
  return environment;
}

}  // namespace trivet::cni
