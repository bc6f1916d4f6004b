#include "common/linux/netns_pin.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "common/linux/mount_peers.h"

namespace trivet {
namespace {

// Under a lock: the daemon and shims of other pods may do the same at this moment.
Result<> MakePrivate(const std::filesystem::path& folder) {
  const UniqueFd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid()) return FailErrno("open {}", folder.native());
  if (::flock(lock.get(), LOCK_EX) != 0) return FailErrno("lock {}", folder.native());
  ASSIGN_OR_RETURN(const auto peers, ReadMountPeers(lock.get(), folder.native()));
  if (!peers || !peers->shared) return {};
  ASSIGN_OR_RETURN(DetachedMount bind, DetachedMount::Bind(folder));
  RETURN_IF_ERROR(bind.SetPropagation(MS_PRIVATE));
  return std::move(bind).AttachTo(folder);
}

Result<> Pin(const std::string& netns, const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return FailErrno("create {}", path);
  if (::mount(netns.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0) return {};
  const auto failure = FailErrno("pin network namespace at {}", path);
  ::unlink(path.c_str());
  return failure;
}

}  // namespace

Result<> MakePinFolder(const std::filesystem::path& folder) {
  RETURN_IF_ERROR(EnsureDirectory(folder));
  return MakePrivate(folder);
}

Result<> PinNetworkNamespace(const std::string& path) {
  return Pin("/proc/thread-self/ns/net", path);
}

Result<> PinNetworkNamespace(const UniqueFd& netns, const std::string& path) {
  return Pin(fmt::format("/proc/self/fd/{}", netns.get()), path);
}

Result<> UnpinNetworkNamespace(const std::string& path) {
  if (path.empty()) return {};
  RETURN_IF_ERROR(Unmount(path, true));
  return RemoveFile(path);
}

Result<> SetLoopbackUp() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return FailErrno("socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return FailErrno("set lo up");
  return {};
}

}  // namespace trivet
