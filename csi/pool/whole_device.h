#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace trivet::csi {

/// A disk, or a partition, that could be given to a volume as a whole.
struct WholeDevice {
  std::filesystem::path path;  // as the configuration has it: a link of /dev/disk/by-id, mostly
  dev_t number = 0;
  uint64_t size_bytes = 0;  // in whole sectors of a volume
  std::string identity;     // what the disk calls itself; empty: it does not
  bool is_partition = false;
};

/// The devices there are of those that `patterns` name, in the order of their sizes; each once,
/// whatever paths lead to it. A partition counts only when it is named itself, not by a pattern.
/// Source: glob(7).
std::vector<WholeDevice> FindWholeDevices(const std::vector<std::filesystem::path>& patterns);

/// Errors: kNotFound; kFailedPrecondition for anything but a block device.
Result<WholeDevice> LookAtDevice(const std::filesystem::path& path);

/// Why the device must not be taken: somebody uses it, or something is on it. Nothing: it may.
std::optional<std::string> WhyNotFree(const WholeDevice& device);

}  // namespace trivet::csi
