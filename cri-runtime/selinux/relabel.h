#pragma once

#include <filesystem>
#include <string>

#include "common/base/error.h"

namespace trivet::selinux {

/// Whether a volume at `path` may be relabelled: the node's own folders may not, as the node's
/// programs would lose them. Source: opencontainers/selinux, which all runtimes share.
/// Errors: kInvalidArgument naming the path.
Result<> CheckRelabel(const std::filesystem::path& path);

/// Gives `label` to what `top_fd` (O_PATH) is and, for a folder, to all below it, also on other
/// file systems. Links are relabelled themselves and never followed. What has the label already is
/// not written; what goes meanwhile is no error; on a file system without labels nothing happens.
/// Errors: kInvalidArgument for what CheckRelabel refuses at the place that `top_fd` really is at;
/// kOutOfRange for folders more than 256 deep; the kernel's.
Result<> Relabel(int top_fd, const std::string& label);

}  // namespace trivet::selinux
