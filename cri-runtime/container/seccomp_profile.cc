#include "cri-runtime/container/seccomp_profile.h"

#include <seccomp.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>

#include "common/base/json.h"
#include "cri-runtime/container/capabilities.h"

namespace trivet::container {
namespace {

#if defined(__x86_64__)
constexpr std::string_view kArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#else
#error "the name of this architecture in seccomp profiles is not known"
#endif

Result<uint32_t> ParseAction(const std::string& name, uint32_t error_number) {
  static const std::map<std::string, uint32_t, std::less<>> kActions{
      {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
      {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
      {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
      {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
      {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
      {"SCMP_ACT_LOG", SCMP_ACT_LOG},
  };
  if (error_number > 4095) {
    return Fail(Code::kInvalidArgument, "errnoRet: unexpected {}", error_number);
  }
  if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(error_number);
  if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(error_number);
  const auto found = kActions.find(name);
  if (found != kActions.end()) return found->second;
  return Fail(Code::kInvalidArgument, "action: unexpected \"{}\"", name);
}

Result<uint32_t> ReadAction(const json::Value& object, std::string_view action_key,
                            std::string_view errno_key) {
  std::string name;
  uint32_t error_number = EPERM;
  RETURN_IF_ERROR(json::ReadRequired(object, action_key, name));
  RETURN_IF_ERROR(json::ReadOptional(object, errno_key, error_number));
  return ParseAction(name, error_number);
}

Result<SeccompArgument> ReadArgument(const json::Value& object) {
  static const std::map<std::string, uint32_t, std::less<>> kComparisons{
      {"SCMP_CMP_NE", SCMP_CMP_NE},
      {"SCMP_CMP_LT", SCMP_CMP_LT},
      {"SCMP_CMP_LE", SCMP_CMP_LE},
      {"SCMP_CMP_EQ", SCMP_CMP_EQ},
      {"SCMP_CMP_GE", SCMP_CMP_GE},
      {"SCMP_CMP_GT", SCMP_CMP_GT},
      {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
  };
  if (!object.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  SeccompArgument argument;
  std::string comparison;
  RETURN_IF_ERROR(json::ReadRequired(object, "index", argument.index));
  RETURN_IF_ERROR(json::ReadRequired(object, "value", argument.value));
  RETURN_IF_ERROR(json::ReadOptional(object, "valueTwo", argument.value_two));
  RETURN_IF_ERROR(json::ReadRequired(object, "op", comparison));
  if (argument.index > 5)
    return Fail(Code::kInvalidArgument, "index: unexpected {}", argument.index);
  const auto found = kComparisons.find(comparison);
  if (found == kComparisons.end()) {
    return Fail(Code::kInvalidArgument, "op: unexpected \"{}\"", comparison);
  }
  argument.comparison = found->second;
  return argument;
}

struct Condition {
  std::vector<std::string> capabilities;
  std::vector<std::string> architectures;
  std::string min_kernel;
};

Result<Condition> ReadCondition(const json::Value& rule, std::string_view key) {
  Condition condition;
  const auto found = rule.find(key);
  if (found == rule.end() || found->is_null()) return condition;
  if (!found->is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", key);
  RETURN_IF_ERROR(json::ReadOptional(*found, "caps", condition.capabilities), key);
  RETURN_IF_ERROR(json::ReadOptional(*found, "arches", condition.architectures), key);
  RETURN_IF_ERROR(json::ReadOptional(*found, "minKernel", condition.min_kernel), key);
  return condition;
}

bool KernelIsAtLeast(const std::string& version) {
  int wanted_major = 0;
  int wanted_minor = 0;
  int major = 0;
  int minor = 0;
  utsname name{};
  if (std::sscanf(version.c_str(), "%d.%d", &wanted_major, &wanted_minor) != 2) return false;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return std::pair(major, minor) >= std::pair(wanted_major, wanted_minor);
}

bool HasCapability(uint64_t capabilities, const std::string& name) {
  const auto number = CapabilityNumber(name);
  return number && (capabilities >> *number & 1) != 0;
}

Result<bool> Applies(const json::Value& rule, uint64_t capabilities) {
  ASSIGN_OR_RETURN(const Condition includes, ReadCondition(rule, "includes"));
  ASSIGN_OR_RETURN(const Condition excludes, ReadCondition(rule, "excludes"));
  const auto has = [&](const std::string& name) { return HasCapability(capabilities, name); };
  const auto& wanted = includes.architectures;
  const auto& unwanted = excludes.architectures;
  if (!std::ranges::all_of(includes.capabilities, has)) return false;
  if (std::ranges::any_of(excludes.capabilities, has)) return false;
  if (!wanted.empty() && std::ranges::count(wanted, kArchitecture) == 0) return false;
  if (std::ranges::count(unwanted, kArchitecture) != 0) return false;
  if (!includes.min_kernel.empty() && !KernelIsAtLeast(includes.min_kernel)) return false;
  return excludes.min_kernel.empty() || !KernelIsAtLeast(excludes.min_kernel);
}

Result<SeccompRule> ReadRule(const json::Value& object) {
  SeccompRule rule;
  std::string name;  // the old form has one
  RETURN_IF_ERROR(json::ReadOptional(object, "names", rule.names));
  RETURN_IF_ERROR(json::ReadOptional(object, "name", name));
  if (!name.empty()) rule.names.push_back(name);
  if (rule.names.empty()) return Fail(Code::kInvalidArgument, "names: missing");
  ASSIGN_OR_RETURN(rule.action, ReadAction(object, "action", "errnoRet"));
  const auto args = object.find("args");
  if (args == object.end() || args->is_null()) return rule;
  if (!args->is_array()) return Fail(Code::kInvalidArgument, "args: not a list");
  for (const json::Value& arg : *args) {
    ASSIGN_OR_RETURN(rule.arguments.emplace_back(), ReadArgument(arg), "args");
  }
  return rule;
}

}  // namespace

Result<SeccompProfile> ParseSeccompProfile(std::string_view text, uint64_t capabilities) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  SeccompProfile profile;
  ASSIGN_OR_RETURN(profile.default_action, ReadAction(root, "defaultAction", "defaultErrnoRet"),
                   "default");
  const auto rules = root.find("syscalls");
  if (rules == root.end() || rules->is_null()) return profile;
  if (!rules->is_array()) return Fail(Code::kInvalidArgument, "syscalls: not a list");
  for (size_t i = 0; i < rules->size(); ++i) {
    const std::string where = fmt::format("syscalls[{}]", i);
    if (!(*rules)[i].is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", where);
    ASSIGN_OR_RETURN(SeccompRule rule, ReadRule((*rules)[i]), where);
    ASSIGN_OR_RETURN(const bool applies, Applies((*rules)[i], capabilities), where);
    if (applies) profile.rules.push_back(std::move(rule));
  }
  return profile;
}

}  // namespace trivet::container
