#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/linux/cgroup.h"

namespace trivet::systemd {

/// A property as D-Bus has it: types t, b, s, ay, au.
struct Property {
  using Value =
      std::variant<uint64_t, bool, std::string, std::vector<uint8_t>, std::vector<uint32_t>>;
  std::string name;
  Value value;

  friend bool operator==(const Property&, const Property&) = default;
};
using Properties = std::vector<Property>;

/// What systemd is told about limits, so that it does not undo them when it is reloaded: those that
/// it has a word for. A quota becomes whole percents, rounded up: systemd keeps no others.
/// Source: man 5 systemd.resource-control.
/// Errors: kInvalidArgument for a cpuset that is no list of numbers.
Result<Properties> PropertiesOf(const CgroupLimits& limits);

/// "0-2,8" as bits, the lowest first: 0x07 0x01. Errors: kInvalidArgument.
Result<std::vector<uint8_t>> CpusetBits(const std::string& list);

}  // namespace trivet::systemd
