#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/base/error.h"

namespace trivet::csi {

/// A piece of a file that was written, and where its file system has put it.
struct Extent {
  uint64_t offset = 0;  // in the file, bytes
  uint64_t bytes = 0;
  uint64_t place = 0;      // on the file system's device, bytes
  bool shared = false;     // with another file
  bool comparable = true;  // the same place means the same content

  bool operator==(const Extent&) const = default;
};

/// The written pieces of a file in ascending order, its cached writes included. Holes and space
/// that was set aside and never written (it reads as zeros) are left out. Source:
/// Documentation/filesystems/fiemap.rst.
Result<std::vector<Extent>> WrittenExtents(const std::filesystem::path& file);

/// In how many pieces the file is on its file system's device: what sharing all its blocks takes
/// grows with it. XFS has the number at hand; elsewhere the pieces are counted.
Result<uint64_t> CountExtents(const std::filesystem::path& file);

/// How many bytes of the file are its own: allocated (written or not), and shared with no other.
Result<uint64_t> OwnBytes(const std::filesystem::path& file);

}  // namespace trivet::csi
