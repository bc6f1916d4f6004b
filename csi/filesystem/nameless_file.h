#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::csi {

/// A file on the file system of `folder`, mode 0600, that vanishes with its descriptor unless it is
/// given a name: whoever crashes meanwhile leaves nothing. Source: open(2), O_TMPFILE.
Result<UniqueFd> MakeNameless(const std::filesystem::path& folder);

/// Gives it the name, in the folder that it was made in; not durable. Errors: kAlreadyExists.
Result<> GiveName(const UniqueFd& nameless, const std::filesystem::path& name);

}  // namespace trivet::csi
