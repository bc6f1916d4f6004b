#pragma once

#include <linux/bpf.h>

#include <filesystem>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/device_rules.h"

/// Device rules of a cgroup v2 group: a BPF program that the kernel asks at each open(2) and
/// mknod(2) of a device. Source: Documentation/admin-guide/cgroup-v2.rst, "Device controller".
namespace trivet {

/// The program that answers 1 where a rule allows everything that is asked, else 0. Pure.
/// Errors: kInvalidArgument for a number that no device has.
Result<std::vector<bpf_insn>> MakeDeviceProgram(const std::vector<DeviceRule>& rules);

/// Gives it to the kernel; closing the descriptor takes it back unless a group has it.
/// Errors: kPermissionDenied without CAP_BPF and CAP_NET_ADMIN in the first user namespace.
/// kInvalidArgument with the verifier's words for a program that it refuses.
Result<UniqueFd> LoadDeviceProgram(const std::vector<bpf_insn>& program);

/// Puts the program on the group at `folder` beside those of others (systemd's), in place of those
/// that this function put there before, if it is not there already: at every moment one of ours is
/// in force. It goes with the group, not with this process.
Result<> AttachDeviceProgram(const std::filesystem::path& folder, const UniqueFd& program);

}  // namespace trivet
