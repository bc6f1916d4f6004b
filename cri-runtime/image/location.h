#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace trivet::image {

/// Where images to import are, in the containers-transports notation:
/// "oci:/folder[:name]" for an OCI layout, "oci-archive:/file[:name]" for a tar of one.
struct Location {
  enum class Kind { kFolder, kArchive };

  Kind kind = Kind::kArchive;
  std::filesystem::path path;  // absolute; cannot contain ':'
  std::string name;            // only the image of this name; empty means all

  /// Nothing for a text without a transport prefix: that is an image name.
  /// Errors: kInvalidArgument for a prefix with a path that is not absolute.
  static Result<std::optional<Location>> Parse(std::string_view text);
};

}  // namespace trivet::image
