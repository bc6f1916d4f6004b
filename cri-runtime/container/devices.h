#pragma once

#include <optional>
#include <vector>

#include "common/base/error.h"
#include "common/linux/device_rules.h"
#include "cri-runtime/container/config.h"
#include "cri-runtime/container/record.h"
#include "proto/trivet/shim.h"

namespace trivet::container {

/// Gives the devices of CDI files to the container's user and group where the file names none, as
/// the reference library of CDI does (root's stay the node's), and makes their owners those that
/// the node counts.
void OwnInjected(const User& user, const std::optional<sandbox::UserNamespace>& user_namespace,
                 std::vector<Device>& devices);

/// The node's devices that the request names, as they are now, with the mode and the owner that the
/// node gave them or the CDI file says. A folder stands for all devices in it and below.
/// Errors: kNotFound for an absent one, kInvalidArgument for what is no device.
Result<std::vector<shim::DeviceSpec>> PrepareDevices(const std::vector<Device>& devices);

/// What a container that is not privileged may use: the default devices, and those that the request
/// names in the way that it says. Errors: as PrepareDevices.
Result<std::vector<DeviceRule>> RulesOf(const std::vector<Device>& devices);

/// All devices of the node's /dev, for a privileged container.
Result<std::vector<shim::DeviceSpec>> NodeDevices();

}  // namespace trivet::container
