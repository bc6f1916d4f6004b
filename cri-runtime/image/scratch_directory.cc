#include "cri-runtime/image/scratch_directory.h"

#include <sys/stat.h>

#include <atomic>

#include "common/linux/file.h"

namespace trivet::image {

Result<ScratchDirectory> ScratchDirectory::Make(const std::filesystem::path& parent) {
  // The parent is one process's, and emptied at its start: a counter is unique.
  static std::atomic<uint64_t> counter{0};
  auto path = parent / std::to_string(++counter);
  if (::mkdir(path.c_str(), 0700) != 0) return FailErrno("mkdir {}", path.native());
  return ScratchDirectory(std::move(path));
}

ScratchDirectory::~ScratchDirectory() {
  // What cannot be removed now is removed at the next start.
  if (!path_.empty()) static_cast<void>(RemoveTree(path_));
}

}  // namespace trivet::image
