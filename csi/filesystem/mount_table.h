#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace trivet::csi {

/// One line of /proc/self/mountinfo.
struct MountEntry {
  std::filesystem::path target;  // unescaped
  std::string root;              // the part of the file system shown: "/", or "/loop3"
  std::string type;              // "ext4"
  dev_t device = 0;              // the file system is on
  bool read_only = false;        // this mount, not the file system

  bool operator==(const MountEntry&) const = default;
};

/// The mounts of this process's namespace, in mountinfo's order: of two at one
/// target the later one covers the earlier.
class MountTable {
 public:
  static Result<MountTable> Read(const std::filesystem::path& mountinfo = "/proc/self/mountinfo");
  explicit MountTable(std::vector<MountEntry> entries) : entries_(std::move(entries)) {}

  [[nodiscard]] const std::vector<MountEntry>& entries() const { return entries_; }
  /// The visible mount at exactly this path; nullptr when there is none.
  [[nodiscard]] const MountEntry* At(const std::filesystem::path& target) const;

 private:
  std::vector<MountEntry> entries_;
};

}  // namespace trivet::csi
