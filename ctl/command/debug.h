#pragma once

#include <filesystem>

#include "common/base/error.h"

namespace trivet::ctl {

/// `trivetctl debug dump`: one JSON document with all that the runtime says about itself, its pods,
/// containers and images, for a bug report. What cannot be asked is named under "errors". No
/// environment variable of a container is in it. Written to `file`, or to stdout when that is
/// empty. Errors: of writing the file.
Result<> DumpDebug(const std::filesystem::path& cri_socket, const std::filesystem::path& file);

}  // namespace trivet::ctl
