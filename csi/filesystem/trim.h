#pragma once

#include <filesystem>

#include "common/base/error.h"

namespace trivet::csi {

/// Gives back what the file system mounted at `target` does not use: its device becomes sparse
/// there. Source: FITRIM, linux/fs.h; fstrim(8).
Result<> TrimMounted(const std::filesystem::path& target);

}  // namespace trivet::csi
