#include "cri-runtime/image/location.h"

namespace trivet::image {

Result<std::optional<Location>> Location::Parse(std::string_view text) {
  constexpr std::string_view kFolderPrefix = "oci:";
  constexpr std::string_view kArchivePrefix = "oci-archive:";
  Location location;
  std::string_view rest;
  if (text.starts_with(kArchivePrefix)) {
    rest = text.substr(kArchivePrefix.size());
  } else if (text.starts_with("oci:/")) {  // "oci:1.0" is tag 1.0 of an image "oci"
    location.kind = Kind::kFolder;
    rest = text.substr(kFolderPrefix.size());
  } else {
    return std::nullopt;
  }
  const size_t colon = rest.find(':');
  location.path = rest.substr(0, colon);
  if (colon != std::string_view::npos) location.name = rest.substr(colon + 1);
  if (!location.path.is_absolute()) {
    return Fail(Code::kInvalidArgument, "image location '{}': want an absolute path after {}", text,
                kArchivePrefix);
  }
  return location;
}

}  // namespace trivet::image
