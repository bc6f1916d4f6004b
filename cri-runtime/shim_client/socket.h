#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::cri {

/// Errors: kNotFound without a socket, kUnavailable when nobody listens or the peer is another
/// user.
Result<UniqueFd> ConnectToShim(const std::filesystem::path& path);

}  // namespace trivet::cri
