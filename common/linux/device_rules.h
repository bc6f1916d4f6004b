#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace trivet {

/// Devices that the processes of a group may use, and how. What no rule names is forbidden.
struct DeviceRule {
  bool block = false;             // a block device; else a character device
  std::optional<uint32_t> major;  // absent: any
  std::optional<uint32_t> minor;  // absent: any
  bool read = false;
  bool write = false;
  bool make = false;  // mknod(2)

  friend bool operator==(const DeviceRule&, const DeviceRule&) = default;
};

/// What every container may: the devices of its own /dev with its terminals, and to make any node,
/// which is not to open it. Source: OCI runtime specification, config-linux.md, "Default Devices",
/// and what runc adds to it.
std::vector<DeviceRule> DefaultDeviceRules();

/// Takes "rwm" or a part of it. Errors: kInvalidArgument for another letter, and for none.
Result<> SetPermissions(DeviceRule& rule, const std::string& permissions);

/// A line of devices.allow: "c 1:3 rwm". Source: Documentation/admin-guide/cgroup-v1/devices.rst.
std::string ToLine(const DeviceRule& rule);

}  // namespace trivet
