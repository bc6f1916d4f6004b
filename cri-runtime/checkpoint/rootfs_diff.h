#pragma once

#include <filesystem>
#include <optional>

#include "common/base/error.h"
#include "cri-runtime/sandbox/config.h"

namespace trivet::checkpoint {

/// Writes what a container changed of its image: the upper folder of its overlay as a layer of an
/// OCI image. `user` is the pod's user namespace: owners are written as the container sees them.
/// Nothing writes to `upper` meanwhile.
/// Sources: image-spec layer.md "Whiteouts"; the kernel's overlayfs.rst "whiteouts and opaque
/// directories".
Result<> WriteRootfsDiff(const std::filesystem::path& upper,
                         const std::optional<sandbox::UserNamespace>& user,
                         const std::filesystem::path& file);

}  // namespace trivet::checkpoint
