#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace trivet::csi {

/// The file systems a mount volume can have.
enum class FileSystem { kExt4, kXfs, kBtrfs };

/// The kernel's and Kubernetes' name: "ext4", "xfs", "btrfs".
constexpr std::string_view NameOf(FileSystem file_system) {
  switch (file_system) {
    case FileSystem::kExt4:
      return "ext4";
    case FileSystem::kXfs:
      return "xfs";
    case FileSystem::kBtrfs:
      return "btrfs";
  }
  return "";
}

constexpr std::optional<FileSystem> FileSystemNamed(std::string_view name) {
  for (const FileSystem one : {FileSystem::kExt4, FileSystem::kXfs, FileSystem::kBtrfs}) {
    if (name == NameOf(one)) return one;
  }
  return std::nullopt;
}

/// The smallest volume the file system's mkfs accepts and that is of use.
/// Source: mkfs.xfs(8) since xfsprogs 5.19 refuses less than 300 MiB, mkfs.btrfs(8) with its
/// doubled metadata less than 109 MiB.
constexpr uint64_t MinimumBytes(FileSystem file_system) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  switch (file_system) {
    case FileSystem::kExt4:
      return 32 * kMiB;
    case FileSystem::kXfs:
      return 300 * kMiB;
    case FileSystem::kBtrfs:
      return 128 * kMiB;
  }
  return 0;
}

/// Whether it grows only while it is mounted: there is no program for the unmounted one.
constexpr bool GrowsOnlyMounted(FileSystem file_system) {
  return file_system != FileSystem::kExt4;
}

}  // namespace trivet::csi
