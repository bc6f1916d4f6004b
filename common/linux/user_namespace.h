#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet {

/// The user namespace that owns the namespace at `file` ("/proc/self/ns/net", or where one is
/// mounted). Errors: kNotFound; kPermissionDenied for one that is not below the caller's own.
/// Source: ioctl_ns(2), NS_GET_USERNS.
Result<UniqueFd> OpenOwningUserNamespace(const std::filesystem::path& file);

/// Whether a container's root can have its owners mapped, for a user namespace: an overlay of
/// idmapped layers (Linux 5.19), and user namespaces are not turned off.
bool CanUseUserNamespaces();

}  // namespace trivet
