#include "cni/operational.h"

#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "common/base/unique_fd.h"

namespace trivet::cni {
namespace {

// Of the container's namespace too, which the kernel gave a number when the pair was made.
Result<UniqueFd> OpenLinkMonitor() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd.valid()) return FailErrno("open netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return FailErrno("join the link notifications");
  }
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof on) != 0) {
    return FailErrno("listen to all network namespaces");
  }
  return fd;
}

// What changed is read anew; that there was something is all that counts.
void Drain(const UniqueFd& monitor) {
  std::array<char, 4096> buffer;
  while (::recv(monitor.get(), buffer.data(), buffer.size(), 0) > 0) {
  }
}

}  // namespace

Result<> AwaitOperational(netlink::RouteSocket& socket, const std::string& link,
                          std::chrono::milliseconds within) {
  using Clock = std::chrono::steady_clock;
  ASSIGN_OR_RETURN(const Link first, ReadLink(socket, link));
  if (first.operational) return {};
  // Before the next look, so that no change is missed between the look and the wait.
  ASSIGN_OR_RETURN(const UniqueFd monitor, OpenLinkMonitor());
  const Clock::time_point deadline = Clock::now() + within;
  for (;;) {
    ASSIGN_OR_RETURN(const Link now, ReadLink(socket, link));
    if (now.operational) return {};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      return Fail(Code::kDeadlineExceeded, "link {} did not become operational in {} ms", link,
                  within.count());
    }
    pollfd event{.fd = monitor.get(), .events = POLLIN, .revents = 0};
    ::poll(&event, 1, static_cast<int>(left));
    Drain(monitor);
  }
}

Result<> AwaitBothEnds(netlink::RouteSocket& socket, const Link& host_end,
                       ContainerLink& container_end) {
  RETURN_IF_ERROR(AwaitOperational(socket, host_end.name));
  return AwaitOperational(container_end.socket, container_end.link.name);
}

}  // namespace trivet::cni
