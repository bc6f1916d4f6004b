#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/container/config.h"

namespace trivet::container {

/// Bit n is capability n (linux/capability.h).
struct CapabilitySets {
  uint64_t bounding = 0;  // also the effective and permitted sets
  uint64_t ambient = 0;
};

/// "NET_ADMIN", "CAP_NET_ADMIN" or "net_admin". Errors: kInvalidArgument for an unknown name.
Result<int> CapabilityNumber(std::string_view name);
/// "CAP_NET_ADMIN"; empty for a number that has no name here.
std::string CapabilityName(int number);

/// What a container gets: the 14 that the field's runtimes give by default, plus
/// what it adds, minus what it drops; "ALL" first, single names after it. A
/// privileged container gets all. Nothing beyond `available`.
Result<CapabilitySets> ChooseCapabilities(const Security& security, uint64_t available);

/// This process's bounding set: what there is to give. Source: "CapBnd" in /proc/self/status.
Result<uint64_t> ReadAvailableCapabilities();

}  // namespace trivet::container
