#include "cni/spec_version.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace trivet::cni {

std::string_view Name(SpecVersion version) {
  return kSpecVersions.at(static_cast<size_t>(version));
}

Result<SpecVersion> ParseSpecVersion(std::string_view text) {
  if (text.empty()) return SpecVersion::k010;
  const auto* const found = std::find(kSpecVersions.begin(), kSpecVersions.end(), text);
  if (found == kSpecVersions.end()) {
    return Fail(Code::kInvalidArgument, "cniVersion: '{}' is none of {}", text,
                fmt::join(kSpecVersions, ", "));
  }
  return static_cast<SpecVersion>(found - kSpecVersions.begin());
}

}  // namespace trivet::cni
