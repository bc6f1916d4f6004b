#include "common/linux/netns.h"

#include <fcntl.h>
#include <sched.h>

#include <chrono>
#include <optional>
#include <thread>

#include "common/base/unique_fd.h"
#include "common/linux/netns_pin.h"
#include "common/linux/worker_threads.h"

namespace trivet {
namespace {

constexpr auto kPause = std::chrono::milliseconds(100);

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

// The thread is back where it was, or does nothing ever again: what would come next on it would
// work in a pod's network.
Result<> MakeAndPinAndReturn(const std::filesystem::path& path,
                             const std::function<Result<>()>& may_pin) {
  const UniqueFd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own.valid()) return FailErrno("open /proc/thread-self/ns/net");
  auto made = MakeAndPin(path, may_pin);
  while (::setns(own.get(), CLONE_NEWNET) != 0) std::this_thread::sleep_for(kPause);
  return made;
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
  return BeginAside(
      [path, may_pin = std::move(may_pin)] { return MakeAndPinAndReturn(path, may_pin); });
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
