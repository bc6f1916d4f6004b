#include "csi/pool/reflink.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"
#include "csi/filesystem/nameless_file.h"
#include "csi/filesystem/write_order.h"

namespace trivet::csi::reflink {
Result<bool> IsSupported(const std::filesystem::path& folder) {
  constexpr size_t kBytes = 4096;  // a whole block: an inline one would not be shared
  ASSIGN_OR_RETURN(const UniqueFd source, MakeNameless(folder));
  RETURN_IF_ERROR(WriteAll(source.get(), std::string(kBytes, '\0'), folder.native()));
  ASSIGN_OR_RETURN(const UniqueFd copy, MakeNameless(folder));
  if (::ioctl(copy.get(), FICLONE, source.get()) == 0) return true;
  if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL) return false;
  return FailErrno("share blocks in {}", folder.native());
}

Result<> Clone(const std::filesystem::path& source, const std::filesystem::path& copy, Sync when) {
  const UniqueFd source_fd(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!source_fd.valid()) return FailErrno("open {}", source.native());
  ASSIGN_OR_RETURN(const UniqueFd fd, MakeNameless(copy.parent_path()));
  if (::ioctl(fd.get(), FICLONE, source_fd.get()) != 0) {
    return FailErrno("share the blocks of {}", source.native());
  }
  // No byte is written here: the kernel has written out the source's before it shared them.
  const bool keeps_order = KeepsOrder(copy.parent_path());
  if (!keeps_order && ::fsync(fd.get()) != 0) return FailErrno("fsync {}", copy.native());
  RETURN_IF_ERROR(GiveName(fd, copy));
  if (keeps_order && when == Sync::kLater) return {};
  return SyncDirectory(copy.parent_path());
}

}  // namespace trivet::csi::reflink
