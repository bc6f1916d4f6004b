#pragma once

#include <vector>

#include "shim/init_plan.h"
#include "shim/report.h"

/// A container's /dev, made by its own first process. Async-signal-safe.
namespace trivet::shim {

/// The default nodes and links and `devices`, in the tmpfs at `dev_fd`, which is attached nowhere
/// yet: no link of an image can be in the way.
/// Source: OCI runtime specification, config-linux.md, default devices.
void MakeDeviceNodes(int dev_fd, const std::vector<DevicePlan>& devices, const Reporter& report);

/// The default nodes and links alone: null, or the name of the one that could not be made.
const char* MakeDefaultDevices(int dev_fd);

/// Makes every node a mount of its own and the folder around them nodev: a node that is made later
/// by mknod cannot be opened. `dev_fd` is attached.
void ConfineDevices(int dev_fd, const std::vector<DevicePlan>& devices, const Reporter& report);

/// A terminal of the container's own devpts: its other side goes to the parent; it becomes standard
/// input, output and error, the controlling terminal, and /dev/console.
void OpenTerminal(const InitPlan& plan, const Reporter& report);

}  // namespace trivet::shim
