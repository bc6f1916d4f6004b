#include "cri-runtime/container/mount_points.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"

namespace trivet::container {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;

// Their modes show: it is what a container sees when something else covers them no more.
Result<> MakeFolder(const std::filesystem::path& folder) {
  RETURN_IF_ERROR(EnsureDirectory(folder, kFolderMode));
  if (::chmod(folder.c_str(), kFolderMode) != 0) return FailErrno("chmod {}", folder.native());
  return {};
}

Result<> MakeEmptyFile(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!fd.valid()) return FailErrno("create {}", file.native());
  if (::fchmod(fd.get(), kFileMode) != 0) return FailErrno("chmod {}", file.native());
  return {};
}

}  // namespace

Result<> MakeMountPoints(const std::filesystem::path& folder) {
  for (const char* name : {"", "dev", "proc", "sys", "etc"}) {
    RETURN_IF_ERROR(MakeFolder(folder / name));
  }
  for (const char* name : {"etc/hosts", "etc/hostname", "etc/resolv.conf"}) {
    RETURN_IF_ERROR(MakeEmptyFile(folder / name));
  }
  return {};
}

}  // namespace trivet::container
