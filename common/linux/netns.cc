#include "common/linux/netns.h"

#include <fcntl.h>
#include <sched.h>

#include <chrono>
#include <optional>
#include <thread>

#include "common/linux/netns_pin.h"

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

Result<UniqueFd> OpenThreadsNamespace() {
  constexpr const char* kFile = "/proc/thread-self/ns/net";
  UniqueFd netns(::open(kFile, O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return FailErrno("open {}", kFile);
  return netns;
}

// The thread is back where it was, or does nothing ever again: what would come next on it would
// work in a pod's network.
class Return {
 public:
  explicit Return(const UniqueFd& netns) : netns_(netns) {}
  ~Return() {
    while (::setns(netns_.get(), CLONE_NEWNET) != 0) std::this_thread::sleep_for(kPause);
  }
  Return(const Return&) = delete;
  Return& operator=(const Return&) = delete;

 private:
  const UniqueFd& netns_;
};

}  // namespace

Result<> InNetworkNamespace(const std::filesystem::path& path,
                            const std::function<Result<>()>& work) {
  const UniqueFd netns(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return FailErrno("open network namespace {}", path.native());
  Result<> result;
  std::thread([&] { result = EnterAndRun(netns, path, work); }).join();
  return result;
}

Result<UniqueFd> MakeNetworkNamespace() {
  ASSIGN_OR_RETURN(const UniqueFd own, OpenThreadsNamespace());
  const Return back(own);
  if (::unshare(CLONE_NEWNET) != 0) return FailErrno("make a network namespace");
  RETURN_IF_ERROR(SetLoopbackUp());
  return OpenThreadsNamespace();
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
