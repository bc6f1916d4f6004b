#pragma once

#include <string_view>

#include "common/base/error.h"
#include "cri-runtime/image/image.h"

namespace trivet::image {

/// Parses the USER of an image: "", "user", "user:group", each a number or a name.
///
/// Digits only is a number from 0 to 2147483647 and never looked up as a name;
/// a larger one is an error, not a wrap to root (CVE-2024-40635, CVE-2026-46680).
/// Errors: kInvalidArgument.
Result<User> ParseUser(std::string_view text);

}  // namespace trivet::image
