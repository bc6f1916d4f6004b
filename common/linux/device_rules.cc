#include "common/linux/device_rules.h"

namespace trivet {
namespace {

DeviceRule UseOf(uint32_t major, std::optional<uint32_t> minor) {
  return {.major = major, .minor = minor, .read = true, .write = true, .make = true};
}

std::string NumberText(const std::optional<uint32_t>& number) {
  return number ? std::to_string(*number) : "*";
}

}  // namespace

// Source: Documentation/admin-guide/devices.txt.
std::vector<DeviceRule> DefaultDeviceRules() {
  return {
      {.block = false, .make = true},
      {.block = true, .make = true},
      UseOf(1, 3),               // null
      UseOf(1, 5),               // zero
      UseOf(1, 7),               // full
      UseOf(1, 8),               // random
      UseOf(1, 9),               // urandom
      UseOf(5, 0),               // tty
      UseOf(5, 1),               // console
      UseOf(5, 2),               // ptmx
      UseOf(136, std::nullopt),  // pts/*
  };
}

Result<> SetPermissions(DeviceRule& rule, const std::string& permissions) {
  if (permissions.empty() || permissions.find_first_not_of("rwm") != std::string::npos) {
    return Fail(Code::kInvalidArgument, "permissions: unexpected \"{}\"", permissions);
  }
  rule.read = permissions.contains('r');
  rule.write = permissions.contains('w');
  rule.make = permissions.contains('m');
  return {};
}

std::string ToLine(const DeviceRule& rule) {
  return fmt::format("{} {}:{} {}{}{}", rule.block ? 'b' : 'c', NumberText(rule.major),
                     NumberText(rule.minor), rule.read ? "r" : "", rule.write ? "w" : "",
                     rule.make ? "m" : "");
}

}  // namespace trivet
