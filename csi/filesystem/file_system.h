#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace trivet::csi {

/// The file systems a mount volume can have.
enum class FileSystem { kExt4, kXfs };

/// The kernel's and Kubernetes' name: "ext4", "xfs".
constexpr std::string_view NameOf(FileSystem file_system) {
  return file_system == FileSystem::kExt4 ? "ext4" : "xfs";
}

constexpr std::optional<FileSystem> FileSystemNamed(std::string_view name) {
  if (name == "ext4") return FileSystem::kExt4;
  if (name == "xfs") return FileSystem::kXfs;
  return std::nullopt;
}

/// The smallest volume the file system's mkfs accepts and that is of use.
/// Source: mkfs.xfs(8) since xfsprogs 5.19 refuses less than 300 MiB.
constexpr uint64_t MinimumBytes(FileSystem file_system) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  return file_system == FileSystem::kExt4 ? 32 * kMiB : 300 * kMiB;
}

}  // namespace trivet::csi
