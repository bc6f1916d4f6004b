#include "csi/pool/reflink.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <span>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"

namespace trivet::csi::reflink {
namespace {

// A file that vanishes with its descriptor unless it is linked.
Result<UniqueFd> NamelessFile(const std::filesystem::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid()) return FailErrno("make a file in {}", folder.native());
  return fd;
}

// Of one FIEMAP answer: the header and its extents, in one block as the kernel wants it.
class ExtentList {
 public:
  ExtentList() : words_((sizeof(fiemap) + kExtents * sizeof(fiemap_extent)) / sizeof(uint64_t)) {}

  // The extents from `start` on; none at the end of the file.
  Result<std::span<const fiemap_extent>> Read(int fd, uint64_t start) {
    auto* map = reinterpret_cast<fiemap*>(words_.data());
    *map = {.fm_start = start, .fm_length = FIEMAP_MAX_OFFSET - start, .fm_extent_count = kExtents};
    if (::ioctl(fd, FS_IOC_FIEMAP, map) != 0) return FailErrno("FIEMAP");
    return std::span<const fiemap_extent>(&map->fm_extents[0], map->fm_mapped_extents);
  }

 private:
  static constexpr uint32_t kExtents = 1024;
  std::vector<uint64_t> words_;
};

}  // namespace

Result<bool> IsSupported(const std::filesystem::path& folder) {
  constexpr size_t kBytes = 4096;  // a whole block: an inline one would not be shared
  ASSIGN_OR_RETURN(const UniqueFd source, NamelessFile(folder));
  RETURN_IF_ERROR(WriteAll(source.get(), std::string(kBytes, '\0'), folder.native()));
  ASSIGN_OR_RETURN(const UniqueFd copy, NamelessFile(folder));
  if (::ioctl(copy.get(), FICLONE, source.get()) == 0) return true;
  if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL) return false;
  return FailErrno("share blocks in {}", folder.native());
}

Result<> Clone(const std::filesystem::path& source, const std::filesystem::path& copy) {
  const UniqueFd source_fd(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!source_fd.valid()) return FailErrno("open {}", source.native());
  ASSIGN_OR_RETURN(const UniqueFd fd, NamelessFile(copy.parent_path()));
  if (::ioctl(fd.get(), FICLONE, source_fd.get()) != 0) {
    return FailErrno("share the blocks of {}", source.native());
  }
  if (::fsync(fd.get()) != 0) return FailErrno("fsync {}", copy.native());
  // open(2): the way to name an O_TMPFILE that needs no further capability.
  const std::string nameless = fmt::format("/proc/self/fd/{}", fd.get());
  if (::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, copy.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return FailErrno("name {}", copy.native());
  }
  return SyncDirectory(copy.parent_path());
}

Result<uint64_t> OwnBytes(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return FailErrno("open {}", file.native());
  ExtentList list;
  uint64_t own_bytes = 0;
  for (uint64_t start = 0;;) {
    ASSIGN_OR_RETURN(const auto extents, list.Read(fd.get(), start), file.native());
    for (const fiemap_extent& extent : extents) {
      if ((extent.fe_flags & FIEMAP_EXTENT_SHARED) == 0) own_bytes += extent.fe_length;
    }
    if (extents.empty() || (extents.back().fe_flags & FIEMAP_EXTENT_LAST) != 0) return own_bytes;
    start = extents.back().fe_logical + extents.back().fe_length;
  }
}

}  // namespace trivet::csi::reflink
