#include "csi/volume/capacity.h"

#include <algorithm>

namespace trivet::csi {

uint64_t MinimumBytesOf(const Usage& usage) {
  constexpr uint64_t kMinimumBlockBytes = uint64_t{1} << 20;
  return usage.mount ? MinimumBytes(usage.file_system) : kMinimumBlockBytes;
}

Result<uint64_t> ChooseSize(const CapacityRange& range, const Usage& usage, uint64_t unit_bytes) {
  uint64_t size = range.required_bytes;
  if (size == 0) {
    size = range.limit_bytes == 0
               ? kDefaultVolumeBytes
               : std::min(kDefaultVolumeBytes, range.limit_bytes / unit_bytes * unit_bytes);
  }
  if (size > kMaxVolumeBytes) {
    return Fail(Code::kOutOfRange, "capacity_range: {} bytes, the largest volume has {}", size,
                kMaxVolumeBytes);
  }
  size = std::max(size, MinimumBytesOf(usage));
  size = (size + unit_bytes - 1) / unit_bytes * unit_bytes;
  if (range.limit_bytes != 0 && size > range.limit_bytes) {
    return Fail(Code::kOutOfRange, "capacity_range: limit_bytes {} is below {}, {}",
                range.limit_bytes, size,
                range.required_bytes == size ? "what is required"
                                             : "the smallest size that fits the request");
  }
  return size;
}

bool Satisfies(uint64_t size_bytes, const CapacityRange& range) {
  return size_bytes >= range.required_bytes &&
         (range.limit_bytes == 0 || size_bytes <= range.limit_bytes);
}

}  // namespace trivet::csi
