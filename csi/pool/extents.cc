#include "csi/pool/extents.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <functional>
#include <span>

#include "common/base/unique_fd.h"

namespace trivet::csi {
namespace {

// Of one FIEMAP answer: the header and its extents, in one block as the kernel wants it.
class ExtentList {
 public:
  ExtentList() : words_((sizeof(fiemap) + kExtents * sizeof(fiemap_extent)) / sizeof(uint64_t)) {}

  // The extents from `start` on; none at the end of the file.
  Result<std::span<const fiemap_extent>> Read(int fd, uint64_t start, uint32_t flags) {
    auto* map = reinterpret_cast<fiemap*>(words_.data());
    *map = {.fm_start = start,
            .fm_length = FIEMAP_MAX_OFFSET - start,
            .fm_flags = flags,
            .fm_extent_count = kExtents};
    if (::ioctl(fd, FS_IOC_FIEMAP, map) != 0) return FailErrno("FIEMAP");
    return std::span<const fiemap_extent>(&map->fm_extents[0], map->fm_mapped_extents);
  }

 private:
  static constexpr uint32_t kExtents = 1024;
  std::vector<uint64_t> words_;
};

Result<> ForEachExtent(const std::filesystem::path& file, uint32_t flags,
                       const std::function<void(const fiemap_extent&)>& visit) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return FailErrno("open {}", file.native());
  ExtentList list;
  for (uint64_t start = 0;;) {
    ASSIGN_OR_RETURN(const auto extents, list.Read(fd.get(), start, flags), file.native());
    for (const fiemap_extent& extent : extents) visit(extent);
    if (extents.empty() || (extents.back().fe_flags & FIEMAP_EXTENT_LAST) != 0) return {};
    start = extents.back().fe_logical + extents.back().fe_length;
  }
}

}  // namespace

Result<uint64_t> CountExtents(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return FailErrno("open {}", file.native());
  fsxattr attributes{};
  if (::ioctl(fd.get(), FS_IOC_FSGETXATTR, &attributes) == 0 && attributes.fsx_nextents != 0) {
    return attributes.fsx_nextents;
  }
  fiemap map{};  // without room for any: only their number is asked for
  map.fm_length = FIEMAP_MAX_OFFSET;
  if (::ioctl(fd.get(), FS_IOC_FIEMAP, &map) != 0) return FailErrno("FIEMAP {}", file.native());
  return map.fm_mapped_extents;
}

Result<std::vector<Extent>> WrittenExtents(const std::filesystem::path& file) {
  constexpr uint32_t kPlaceless = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC |
                                  FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_NOT_ALIGNED |
                                  FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL;
  std::vector<Extent> found;
  RETURN_IF_ERROR(ForEachExtent(file, FIEMAP_FLAG_SYNC, [&](const fiemap_extent& extent) {
    if ((extent.fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0) return;
    found.push_back({.offset = extent.fe_logical,
                     .bytes = extent.fe_length,
                     .place = extent.fe_physical,
                     .shared = (extent.fe_flags & FIEMAP_EXTENT_SHARED) != 0,
                     .comparable = (extent.fe_flags & kPlaceless) == 0});
  }));
  return found;
}

Result<uint64_t> OwnBytes(const std::filesystem::path& file) {
  uint64_t own_bytes = 0;
  RETURN_IF_ERROR(ForEachExtent(file, 0, [&](const fiemap_extent& extent) {
    if ((extent.fe_flags & FIEMAP_EXTENT_SHARED) == 0) own_bytes += extent.fe_length;
  }));
  return own_bytes;
}

}  // namespace trivet::csi
