#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace trivet::csi {

/// The figures of a pool at one moment, in bytes.
struct Space {
  uint64_t free_bytes = 0;        // what the pool's file system has left for us
  uint64_t overcommit_bytes = 0;  // may be promised beyond free_bytes, by the operator's wish
  uint64_t unwritten_bytes = 0;   // promised to volumes, not yet taken from free_bytes
  uint64_t promised_bytes = 0;    // the sum of the volumes' sizes
  uint64_t limit_bytes = 0;       // of promised_bytes, set by the operator; 0 = none
  uint64_t headroom_bytes = 0;    // stays free: for the file system's own metadata
  uint64_t total_bytes = 0;       // of the pool's file system
  bool read_only = false;         // the pool's file system
  // The most that one volume can have, of storage that comes in pieces, or that lacks more than
  // bytes.
  std::optional<uint64_t> largest_bytes = std::nullopt;
  std::string note;  // why there is less than bytes are free; empty: it is not so
};

/// What a new volume may have. Pure; never negative, and without overcommit never more than can
/// be written in full by all volumes together.
inline uint64_t AvailableBytes(const Space& space) {
  const auto left = [](uint64_t total, uint64_t taken) {
    return total > taken ? total - taken : 0;
  };
  uint64_t available = left(left(space.free_bytes + space.overcommit_bytes, space.unwritten_bytes),
                            space.headroom_bytes);
  if (space.limit_bytes != 0) {
    available = std::min(available, left(space.limit_bytes, space.promised_bytes));
  }
  return std::min(available, space.largest_bytes.value_or(available));
}

}  // namespace trivet::csi
