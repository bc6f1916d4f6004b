#pragma once

#include <string>

namespace trivet::image {

/// For which machine an image is built, in the words of the OCI specification.
struct Platform {
  std::string os;
  std::string architecture;

  /// "linux/amd64"
  [[nodiscard]] std::string text() const { return os + "/" + architecture; }
  bool operator==(const Platform&) const = default;

  /// The machine this runs on.
  static Platform Host();
};

}  // namespace trivet::image
