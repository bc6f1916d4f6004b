#include "common/linux/netns_visit.h"

#include <fcntl.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>

#include "common/base/unique_fd.h"

namespace trivet {

Result<> InNetworkNamespaceAndBack(const std::filesystem::path& path,
                                   const std::function<Result<>()>& work) {
  const UniqueFd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own.valid()) return FailErrno("open /proc/thread-self/ns/net");
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
