#include "common/linux/netns_visit.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>

namespace trivet {

// A socket knows its namespace. procfs makes an entry for each part of the path first, and unmakes
// them when the process ends.
Result<UniqueFd> OpenOwnNetworkNamespace() {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  UniqueFd own(socket.valid() ? ::ioctl(socket.get(), SIOCGSKNS) : -1);
  if (own.valid()) return own;
  own.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own.valid()) return FailErrno("open /proc/thread-self/ns/net");
  return own;
}

Result<> InNetworkNamespaceAndBack(const std::filesystem::path& path,
                                   const std::function<Result<>()>& work) {
  ASSIGN_OR_RETURN(const UniqueFd own, OpenOwnNetworkNamespace());
  const UniqueFd netns(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return FailErrno("open network namespace {}", path.native());
  if (::setns(netns.get(), CLONE_NEWNET) != 0) {
    return FailErrno("enter network namespace {}", path.native());
  }
  auto result = work();
  if (::setns(own.get(), CLONE_NEWNET) != 0) {
    std::perror("leave network namespace");
    std::abort();
  }
  return result;
}

}  // namespace trivet
