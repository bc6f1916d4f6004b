#include "common/linux/netns.h"

#include <fcntl.h>
#include <sched.h>

#include <optional>
#include <thread>

#include "common/base/unique_fd.h"
#include "common/linux/netns_pin.h"

namespace trivet {
namespace {

Result<> EnterAndRun(const UniqueFd& netns, const std::filesystem::path& path,
                     const std::function<Result<>()>& work) {
  if (::setns(netns.get(), CLONE_NEWNET) != 0) {
    return FailErrno("enter network namespace {}", path.native());
  }
  return work();
}

Result<> MakeAndPin(const std::filesystem::path& path, const std::function<Result<>()>& may_pin) {
  if (::unshare(CLONE_NEWNET) != 0) return FailErrno("make a network namespace");
  RETURN_IF_ERROR(SetLoopbackUp());
  if (may_pin) RETURN_IF_ERROR(may_pin());
  return PinNetworkNamespace(path);
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

std::future<Result<>> MakeNetworkNamespace(const std::filesystem::path& path,
                                           std::function<Result<>()> may_pin) {
  std::packaged_task<Result<>()> task(
      [path, may_pin = std::move(may_pin)] { return MakeAndPin(path, may_pin); });
  std::future<Result<>> made = task.get_future();
  std::thread(std::move(task)).detach();
  return made;
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
