#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::csi {

/// A mounted file system held still: all that was written is on its device, and
/// its writers wait. Dropping it thaws it.
/// Source: FIFREEZE and FITHAW, linux/fs.h; fsfreeze(8).
class FrozenFileSystem {
 public:
  /// `target` is where it is mounted. One that somebody else froze is still, too,
  /// and theirs to thaw.
  static Result<FrozenFileSystem> Freeze(const std::filesystem::path& target);

  FrozenFileSystem(FrozenFileSystem&&) = default;
  FrozenFileSystem& operator=(FrozenFileSystem&&) = delete;
  ~FrozenFileSystem();

 private:
  explicit FrozenFileSystem(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;  // invalid: not ours to thaw
};

/// Thaws what a process of ours left frozen; success when it is not frozen.
Result<> Thaw(const std::filesystem::path& target);

}  // namespace trivet::csi
