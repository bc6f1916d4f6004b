#include "shim/netns_pin.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/linux/file.h"
#include "common/linux/mount.h"

namespace trivet::shim {
namespace {

// "36 35 98:0 / /run rw shared:7 - tmpfs ...": the optional fields end at " - ". Source: man 5
// proc.
bool IsSharedIn(std::string_view mountinfo, uint64_t mount_id) {
  const std::string start = std::to_string(mount_id) + " ";
  while (!mountinfo.empty()) {
    const size_t end = mountinfo.find('\n');
    const std::string_view line = mountinfo.substr(0, end);
    mountinfo = end == std::string_view::npos ? std::string_view{} : mountinfo.substr(end + 1);
    if (!line.starts_with(start)) continue;
    return line.substr(0, line.find(" - ")).find(" shared:") != std::string_view::npos;
  }
  return false;
}

Result<bool> IsShared(const std::filesystem::path& folder) {
  struct statx status{};
  if (::statx(AT_FDCWD, folder.c_str(), 0, STATX_MNT_ID, &status) != 0) {
    return FailErrno("stat {}", folder.native());
  }
  ASSIGN_OR_RETURN(const std::string mountinfo, ReadFile("/proc/self/mountinfo"));
  return IsSharedIn(mountinfo, status.stx_mnt_id);
}

// Under a lock: shims of other pods may do the same at this moment.
Result<> MakePrivate(const std::filesystem::path& folder) {
  const UniqueFd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid()) return FailErrno("open {}", folder.native());
  if (::flock(lock.get(), LOCK_EX) != 0) return FailErrno("lock {}", folder.native());
  ASSIGN_OR_RETURN(const bool shared, IsShared(folder));
  if (!shared) return {};
  ASSIGN_OR_RETURN(DetachedMount bind, DetachedMount::Bind(folder));
  RETURN_IF_ERROR(bind.SetPropagation(MS_PRIVATE));
  return std::move(bind).AttachTo(folder);
}

}  // namespace

Result<> PinNetworkNamespace(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  RETURN_IF_ERROR(EnsureDirectory(folder));
  RETURN_IF_ERROR(MakePrivate(folder));
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return FailErrno("create {}", path);
  if (::mount("/proc/self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) == 0) return {};
  const auto failure = FailErrno("pin network namespace at {}", path);
  ::unlink(path.c_str());
  return failure;
}

Result<> UnpinNetworkNamespace(const std::string& path) {
  if (path.empty()) return {};
  RETURN_IF_ERROR(Unmount(path, true));
  return RemoveFile(path);
}

}  // namespace trivet::shim
