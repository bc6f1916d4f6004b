#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {

/// Which device a volume has, as devices/<id>.json holds it: written before the device is used, and
/// removed when it is wiped; devices/<id>.deleting is of one that could not be.
struct DeviceClaim {
  static constexpr std::string_view kKind = "device of volume";
  static constexpr int kVersion = 1;
  static bool IsId(std::string_view id) { return IsVolumeId(id); }

  std::string id;  // the volume's
  std::string pool;
  std::string device;    // its path
  std::string identity;  // WholeDevice::identity when it was taken
  uint64_t size_bytes = 0;
  bool deleting = false;  // its volume is gone, and the device was not there to be wiped

  bool operator==(const DeviceClaim&) const = default;

  /// JSON with a "version".
  [[nodiscard]] std::string Write() const;
  /// Errors: kDataLoss naming the key and the reason, as VolumeRecord::Parse.
  static Result<DeviceClaim> Parse(std::string_view text, std::string_view id);
};

}  // namespace trivet::csi
