#include "csi/filesystem/freeze.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace trivet::csi {
namespace {

Result<UniqueFd> OpenFolder(const std::filesystem::path& target) {
  UniqueFd fd(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", target.native());
  return fd;
}

}  // namespace

Result<FrozenFileSystem> FrozenFileSystem::Freeze(const std::filesystem::path& target) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenFolder(target), "freeze");
  if (::ioctl(fd.get(), FIFREEZE, 0) == 0) return FrozenFileSystem(std::move(fd));
  if (errno == EBUSY) return FrozenFileSystem(UniqueFd());
  return FailErrno("freeze {}", target.native());
}

// Nothing else lets the pods go on, so an error is not the last word.
FrozenFileSystem::~FrozenFileSystem() {
  constexpr int kAttempts = 10;
  for (int i = 0; fd_.valid() && i < kAttempts; ++i) {
    if (::ioctl(fd_.get(), FITHAW, 0) == 0 || errno == EINVAL) return;
  }
}

Result<> Thaw(const std::filesystem::path& target) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenFolder(target), "thaw");
  if (::ioctl(fd.get(), FITHAW, 0) == 0 || errno == EINVAL) return {};
  return FailErrno("thaw {}", target.native());
}

}  // namespace trivet::csi
