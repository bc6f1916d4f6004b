#pragma once

#include <array>
#include <compare>
#include <string_view>

#include "common/base/error.h"

namespace trivet::cni {

/// A version of the CNI spec that we speak; ordered by age.
enum class SpecVersion { k010, k020, k030, k031, k040, k100, k110 };

/// Every version, oldest first, as the answer to VERSION lists them.
inline constexpr std::array<std::string_view, 7> kSpecVersions{"0.1.0", "0.2.0", "0.3.0", "0.3.1",
                                                               "0.4.0", "1.0.0", "1.1.0"};

[[nodiscard]] std::string_view Name(SpecVersion version);

/// Empty is 0.1.0, the version before the field existed.
/// Errors: kInvalidArgument that lists the versions; the program answers with error code 1.
Result<SpecVersion> ParseSpecVersion(std::string_view text);

}  // namespace trivet::cni
