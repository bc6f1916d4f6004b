#include "cni/invocation.h"

#include <sys/stat.h>

#include <memory>

#include "cni/error_code.h"
#include "cni/ipam/host_local.h"
#include "cni/ipam/host_local_conf.h"
#include "cni/ipam/static.h"
#include "cni/net_conf.h"
#include "cni/plugin.h"
#include "cni/spec_version.h"
#include "common/base/json.h"
#include "common/linux/netns_visit.h"

namespace trivet::cni {
namespace {

// The type that a configuration gives to run the whole program under its own name.
constexpr std::string_view kOwnType = "trivet-cni";

Output Failure(SpecVersion version, ErrorCode code, const Error& error) {
  return {.text = FormatError(version, code, error.message()), .exit_status = 1};
}

Output Failure(SpecVersion version, Command command, const Error& error) {
  return Failure(version, ErrorCodeOf(command, error), error);
}

Output AnswerVersion(std::string_view input) {
  SpecVersion version = SpecVersion::k110;
  if (const auto root = json::Parse(input); root && root->is_object()) {
    if (const auto asked = ReadSpecVersion(*root)) version = *asked;
  }
  return {.text = json::WritePretty(
              {{"cniVersion", Name(version)}, {"supportedVersions", kSpecVersions}})};
}

std::string_view TypeOf(std::string_view program, const NetConf& conf) {
  if (IsPluginType(program)) return program;
  return conf.type == kOwnType ? "bridge" : std::string_view(conf.type);
}

// A type that takes no arguments has none to judge: the reference's loopback runs with
// CNI_ARGS=none.
LookUpVariable VariablesFor(std::string_view program, const LookUpVariable& look_up) {
  if (program != "loopback") return look_up;
  return [&look_up](const std::string& name) -> std::optional<std::string> {
    if (name == "CNI_ARGS") return std::nullopt;
    return look_up(name);
  };
}

// In the reference's words, as its own plugins answer.
Result<> CheckCommandVersion(Command command, SpecVersion version) {
  const auto refuse = [](std::string_view name) -> Result<> {
    return Fail(Code::kInvalidArgument, "config version does not allow {}", name);
  };
  if (command == Command::kCheck && version < SpecVersion::k040) return refuse("CHECK");
  if (command == Command::kGc && version < SpecVersion::k110) return refuse("GC");
  if (command == Command::kStatus && version < SpecVersion::k110) return refuse("STATUS");
  return {};
}

// A runtime that hands over our own namespace would have us turn the node into its own pod.
Result<> CheckNetns(const Environment& environment, const LookUpVariable& look_up) {
  const Command command = environment.command;
  const bool enters =
      command == Command::kAdd || command == Command::kCheck || command == Command::kPrepare;
  if (!enters) return {};
  struct stat ours{};
  struct stat theirs{};
  ASSIGN_OR_RETURN(const UniqueFd own, OpenOwnNetworkNamespace());
  if (::fstat(own.get(), &ours) != 0) return FailErrno("stat the own network namespace");
  if (::stat(environment.netns.c_str(), &theirs) != 0) {
    return FailErrno("CNI_NETNS: {}", environment.netns.native());
  }
  const auto overridden = look_up("CNI_NETNS_OVERRIDE");
  if (overridden == "1" || overridden == "true") return {};
  if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino) {
    return Fail(Code::kFailedPrecondition, "CNI_NETNS: {} is the plugin's own network namespace",
                environment.netns.native());
  }
  return {};
}

Result<std::string> Run(Plugin& plugin, Command command) {
  Result<> done;
  switch (command) {
    case Command::kAdd: {
      ASSIGN_OR_RETURN(const json::Value result, plugin.Add());
      return json::WritePretty(result);
    }
    case Command::kDel:
      done = plugin.Del();
      break;
    case Command::kCheck:
      done = plugin.Check();
      break;
    case Command::kGc:
      done = plugin.Gc();
      break;
    case Command::kStatus:
      done = plugin.Status();
      break;
    case Command::kPrepare:
      done = plugin.Prepare();
      break;
    case Command::kVersion:
      break;  // answered before there is a plugin
  }
  RETURN_IF_ERROR(done);
  return std::string();
}

Result<> CheckPlugin(json::Value value, const json::Value& list) {
  for (const char* key : {"cniVersion", "name"}) {
    if (list.contains(key) && !value.contains(key)) value[key] = list[key];
  }
  std::string type;
  RETURN_IF_ERROR(json::ReadRequired(value, "type", type));
  if (type != kOwnType && !IsPluginType(type)) return {};  // another program of the chain
  ASSIGN_OR_RETURN(const NetConf conf, ParseNetConf(std::move(value)));
  const Environment environment;
  RETURN_IF_ERROR(MakePlugin(TypeOf(type, conf), conf, environment), type);
  if (conf.ipam_type == kHostLocalType && type != "loopback") {
    RETURN_IF_ERROR(ParseHostLocalConf(conf, environment), type);
  }
  if (conf.ipam_type == kStaticType) RETURN_IF_ERROR(ParseStaticConf(conf, environment), type);
  return {};
}

}  // namespace

Output Invoke(std::string_view program, const LookUpVariable& look_up, std::string_view input) {
  const auto newest = SpecVersion::k110;
  const auto environment = ParseEnvironment(VariablesFor(program, look_up));
  if (!environment) {
    return Failure(newest, ErrorCode::kInvalidEnvironment, environment.error());
  }
  if (environment->command == Command::kVersion) return AnswerVersion(input);

  if (input.size() > kMaxInputBytes) {
    return Failure(newest, ErrorCode::kIo,
                   Error(Code::kOutOfRange,
                         fmt::format("standard input: larger than {} bytes", kMaxInputBytes)));
  }
  auto root = json::Parse(input);
  if (!root) {
    return Failure(newest, ErrorCode::kDecode,
                   std::move(root).error().Wrap("network configuration"));
  }
  if (!root->is_object()) {
    return Failure(newest, ErrorCode::kDecode,
                   Error(Code::kInvalidArgument, "network configuration: not an object"));
  }
  const auto version = ReadSpecVersion(*root);
  if (!version) return Failure(newest, ErrorCode::kIncompatibleVersion, version.error());
  if (const auto known = CheckCommandVersion(environment->command, *version); !known) {
    return Failure(*version, ErrorCode::kIncompatibleVersion, known.error());
  }
  // What DEL needs is in the records; no prevResult may keep it from freeing.
  const bool del = environment->command == Command::kDel;
  auto conf =
      ParseNetConf(std::move(*root), del ? Previous::kMayBeDamaged : Previous::kMustBeRight);
  if (!conf) {
    return Failure(*version, ErrorCode::kInvalidConfig,
                   std::move(conf).error().Wrap("network configuration"));
  }
  conf->text = input;
  const std::string_view type = TypeOf(program, *conf);
  const auto plugin = MakePlugin(type, *conf, *environment);
  if (!plugin) return Failure(*version, Command::kAdd, plugin.error());
  // An IPAM plugin hands out addresses, no more.
  const bool enters = type != kHostLocalType && type != kStaticType;
  if (const auto netns = CheckNetns(*environment, look_up); enters && !netns) {
    const bool own = netns.error().code() == Code::kFailedPrecondition;
    return Failure(*version, own ? ErrorCode::kInvalidNetns : ErrorCode::kInvalidEnvironment,
                   netns.error());
  }
  auto text = Run(**plugin, environment->command);
  if (!text) return Failure(*version, environment->command, text.error());
  return {.text = std::move(*text)};
}

Result<> CheckConfiguration(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  if (!root.contains("plugins")) return CheckPlugin(root, root);
  if (!root["plugins"].is_array()) return Fail(Code::kInvalidArgument, "plugins: not a list");
  for (const json::Value& plugin : root["plugins"]) {
    if (!plugin.is_object()) return Fail(Code::kInvalidArgument, "plugins: not an object");
    RETURN_IF_ERROR(CheckPlugin(plugin, root), "plugins");
  }
  return {};
}

}  // namespace trivet::cni
