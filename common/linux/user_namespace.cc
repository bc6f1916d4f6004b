#include "common/linux/user_namespace.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include <cstdio>
#include <utility>

#include "common/linux/file.h"

namespace trivet {

Result<UniqueFd> OpenOwningUserNamespace(const std::filesystem::path& file) {
  const UniqueFd owned(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!owned.valid()) return FailErrno("open {}", file.native());
  UniqueFd owner(::ioctl(owned.get(), NS_GET_USERNS));
  if (!owner.valid()) return FailErrno("find the user namespace of {}", file.native());
  return owner;
}

bool CanUseUserNamespaces() {
  constexpr std::pair<int, int> kIdMappedLayers{5, 19};
  utsname system{};
  std::pair<int, int> version;
  if (::uname(&system) != 0 ||
      std::sscanf(system.release, "%d.%d", &version.first, &version.second) != 2) {
    return false;
  }
  const auto most = ReadFile("/proc/sys/user/max_user_namespaces");
  return version >= kIdMappedLayers && most && !most->starts_with("0");
}

}  // namespace trivet
