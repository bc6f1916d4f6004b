#pragma once

#include <filesystem>

#include "common/base/error.h"

namespace trivet::container {

/// Fills `folder` with empty files and folders that every container has something mounted on:
/// /dev, /proc, /sys, /etc/hosts, /etc/hostname, /etc/resolv.conf. As the lowest layer of each root
/// it gives an image that lacks them what the shim would have to make in the container's own layer:
/// half a dozen inodes. Repeatable.
Result<> MakeMountPoints(const std::filesystem::path& folder);

}  // namespace trivet::container
