#pragma once

#include <filesystem>
#include <string>

#include "cni/add_result.h"
#include "cni/address.h"
#include "cni/link.h"
#include "common/base/error.h"

namespace trivet::cni {

/// Gives the container's interface `ifname` its addresses and routes and brings it up, inside the
/// network namespace `netns`. Routes without a gateway go by the address's of their family.
Result<Link> ConfigureContainerEnd(const std::filesystem::path& netns, const std::string& ifname,
                                   const AddResult& wanted, DuplicateDetection detection);

/// Errors: kFailedPrecondition when the interface is absent or down, or lacks `mac` (if any), an
/// address or a route of `wanted`.
Result<> CheckContainerEnd(const std::filesystem::path& netns, const std::string& ifname,
                           const std::string& mac, const AddResult& wanted);

}  // namespace trivet::cni
