#include "common/linux/netns_visit.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace trivet {
namespace {

thread_local int reused_fd = -1;

}  // namespace

OwnNetworkNamespaceReuse::OwnNetworkNamespaceReuse() {
  if (auto own = OpenOwnNetworkNamespace()) fd_ = std::move(*own);
  reused_fd = fd_.get();
}

OwnNetworkNamespaceReuse::~OwnNetworkNamespaceReuse() {
  reused_fd = -1;
}

// A socket knows its namespace. procfs makes an entry for each part of the path first, and unmakes
// them when the process ends.
Result<UniqueFd> OpenOwnNetworkNamespace() {
  UniqueFd reused(reused_fd >= 0 ? ::fcntl(reused_fd, F_DUPFD_CLOEXEC, 0) : -1);
  if (reused.valid()) return reused;
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
