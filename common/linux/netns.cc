#include "common/linux/netns.h"

#include <fcntl.h>
#include <sched.h>

#include <optional>
#include <thread>

#include "common/base/unique_fd.h"

namespace trivet {
namespace {

Result<> EnterAndRun(const UniqueFd& netns, const std::filesystem::path& path,
                     const std::function<Result<>()>& work) {
  if (::setns(netns.get(), CLONE_NEWNET) != 0) {
    return FailErrno("enter network namespace {}", path.native());
  }
  return work();
}

}  // namespace

Result<> InNetworkNamespace(const std::filesystem::path& path,
                            const std::function<Result<>()>& work) {
  const UniqueFd netns(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return FailErrno("open network namespace {}", path.native());
  Result<> result;
  std::thread([&] { result = EnterAndRun(netns, path, work); }).join();
  return result;
}

Result<netlink::RouteSocket> OpenRouteSocketIn(const std::filesystem::path& path) {
  std::optional<netlink::RouteSocket> socket;
  RETURN_IF_ERROR(InNetworkNamespace(path, [&]() -> Result<> {
    ASSIGN_OR_RETURN(socket, netlink::RouteSocket::Open());
    return {};
  }));
  return std::move(*socket);
}

}  // namespace trivet
