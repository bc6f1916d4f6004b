#pragma once

#include <cstdint>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/mount.h"

namespace trivet {

/// A file system that is being configured, to be mounted nowhere yet. Errors carry the kernel's own
/// words. Source: fsopen(2), fsconfig(2), fsmount(2).
class MountContext {
 public:
  static Result<MountContext> Open(const std::string& type);

  /// A value of at most 255 bytes; an empty one makes it a flag.
  Result<> Set(const std::string& key, const std::string& value);
  Result<> Set(const MountOptions& options);
  /// `attributes` are MOUNT_ATTR_RDONLY, …
  Result<UniqueFd> Mount(uint64_t attributes);

 private:
  MountContext(std::string type, UniqueFd fd) : type_(std::move(type)), fd_(std::move(fd)) {}
  std::string type_;
  UniqueFd fd_;
};

}  // namespace trivet
