#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "csi/pool/device_claim.h"
#include "csi/pool/whole_device.h"

namespace trivet::csi {

/// The devices that volumes have, of whatever pool, and those that a deleted one has left unwiped.
class TakenDevices {
 public:
  explicit TakenDevices(const std::vector<DeviceClaim>& claims);

  /// What a driver has written in `folder`, which may be absent; changes nothing. What cannot be
  /// read is left out.
  static TakenDevices In(const std::filesystem::path& folder);

  /// "it is volume v-…'s" or what is to be done with it; none when nobody has it. A disk that was
  /// not wiped is known by its identity, wherever it comes back.
  [[nodiscard]] std::optional<std::string> WhyTaken(const WholeDevice& device) const;

 private:
  std::map<dev_t, std::string> held_;           // -> the volume
  std::map<std::string, std::string> unwiped_;  // identity -> the volume
};

}  // namespace trivet::csi
