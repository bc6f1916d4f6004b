#pragma once

#include <cstdint>

#include "common/base/error.h"
#include "csi/volume/capability.h"

namespace trivet::csi {

/// A request's CapacityRange, checked: bytes; 0 = not given.
struct CapacityRange {
  uint64_t required_bytes = 0;
  uint64_t limit_bytes = 0;
};

/// The logical sector of every volume, and so the unit of its size.
constexpr uint64_t kSectorBytes = 4096;
/// A volume's size when the request names none.
constexpr uint64_t kDefaultVolumeBytes = uint64_t{1} << 30;
/// ext4 as a pool holds no larger file. Source: ext4(5), 4 KiB blocks.
constexpr uint64_t kMaxVolumeBytes = (uint64_t{16} << 40) - kSectorBytes;

/// The smallest size that serves `usage`.
uint64_t MinimumBytesOf(const Usage& usage);

/// The size of a new volume: what is required, raised to `usage`'s minimum and to
/// whole units (of whole sectors), and never above the limit.
/// Errors: kOutOfRange when the range holds no such size.
Result<uint64_t> ChooseSize(const CapacityRange& range, const Usage& usage,
                            uint64_t unit_bytes = kSectorBytes);

/// Whether a volume of this size answers the request.
bool Satisfies(uint64_t size_bytes, const CapacityRange& range);

}  // namespace trivet::csi
