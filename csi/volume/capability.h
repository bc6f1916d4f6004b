#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "csi/filesystem/file_system.h"

namespace trivet::csi {

/// What the workload gets: a file system mounted on a folder, or the device node.
enum class AccessType { kMount, kBlock };

/// The spec's access modes that a volume of one node can have.
enum class AccessMode {
  kSingleNodeWriter = 1,
  kSingleNodeReaderOnly = 2,
  kSingleNodeSingleWriter = 6,
  kSingleNodeMultiWriter = 7,
};

/// One VolumeCapability of a request, checked.
struct Capability {
  AccessType access_type = AccessType::kMount;
  AccessMode access_mode = AccessMode::kSingleNodeWriter;
  std::optional<FileSystem> file_system;  // of a mount: none asked = the volume's own
  std::vector<std::string> mount_flags;   // never logged: they may hold secrets

  bool operator==(const Capability&) const = default;
};

/// What a volume can be used as; fixed when it is created.
struct Usage {
  bool mount = false;
  bool block = false;
  FileSystem file_system = FileSystem::kExt4;  // of `mount`

  bool operator==(const Usage&) const = default;
};

/// What all of `capabilities` together ask of a new volume, with `otherwise` when
/// they name no file system. Errors: kInvalidArgument for two file systems.
Result<Usage> UsageOf(const std::vector<Capability>& capabilities, FileSystem otherwise);

/// Why a volume of this usage cannot serve `capability`, or nothing when it can.
std::optional<std::string> Mismatch(const Usage& usage, const Capability& capability);

/// "mount" or "block", for people and records.
constexpr std::string_view NameOf(AccessType type) {
  return type == AccessType::kMount ? "mount" : "block";
}

}  // namespace trivet::csi
