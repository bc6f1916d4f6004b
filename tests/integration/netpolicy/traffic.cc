#include "tests/integration/netpolicy/traffic.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>

#include "common/linux/netns.h"
#include "tests/testing/matchers.h"

namespace trivet::netpolicy {
namespace {

using testing::IsOk;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress ToSocketAddress(const Address& address, uint16_t port) {
  SocketAddress out;
  if (address.is_ipv6()) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    std::memcpy(&in6->sin6_addr, address.bytes.data(), address.bytes.size());
    out.length = sizeof *in6;
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    std::memcpy(&in->sin_addr, address.bytes.data(), address.bytes.size());
    out.length = sizeof *in;
  }
  return out;
}

bool IsLinkLocal(const Address& address) {
  return address.bytes.starts_with("\xfe\x80") || address.bytes.starts_with("\xff\x02");
}

// The socket belongs to the pod's namespace whoever uses it.
UniqueFd SocketIn(const TestPod& pod, int family, int type, int protocol = 0) {
  UniqueFd socket;
  EXPECT_THAT(InNetworkNamespace(pod.netns,
                                 [&]() -> Result<> {
                                   socket = UniqueFd(::socket(
                                       family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
                                   if (!socket.valid()) return FailErrno("socket");
                                   return {};
                                 }),
              IsOk());
  return socket;
}

// Where an address alone does not say which link is meant, it is the pod's.
void GiveItsLink(const UniqueFd& socket, const Address& to) {
  constexpr std::string_view kLink = "eth0";
  if (!IsLinkLocal(to)) return;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, kLink.data(), kLink.size());
}

}  // namespace

UniqueFd Serve(const TestPod& pod, int type, bool ipv6, uint16_t port) {
  UniqueFd socket = SocketIn(pod, ipv6 ? AF_INET6 : AF_INET, type);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (ipv6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const SocketAddress any = ToSocketAddress(Address{std::string(ipv6 ? 16 : 4, '\0')}, port);
  EXPECT_EQ(::bind(socket.get(), any.get(), any.length), 0) << std::strerror(errno);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(socket.get(), 64), 0) << std::strerror(errno);
  }
  return socket;
}

UniqueFd RawIcmp6(const TestPod& pod, std::initializer_list<uint8_t> types) {
  UniqueFd socket = SocketIn(pod, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  icmp6_filter filter{};
  ICMP6_FILTER_SETBLOCKALL(&filter);
  for (const uint8_t type : types) ICMP6_FILTER_SETPASS(type, &filter);
  ::setsockopt(socket.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  const int hops = 255;  // RFC 4861, 6.1
  ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
  return socket;
}

void SendIcmp6(const UniqueFd& socket, const Address& to, const std::string& message) {
  GiveItsLink(socket, to);
  const SocketAddress address = ToSocketAddress(to, 0);
  EXPECT_EQ(
      ::sendto(socket.get(), message.data(), message.size(), 0, address.get(), address.length),
      static_cast<ssize_t>(message.size()))
      << std::strerror(errno);
}

UniqueFd Sniff(const TestPod& pod) {
  UniqueFd socket = SocketIn(pod, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  const int on = 1;  // not the answers of its own, which quote what they answer
  EXPECT_EQ(::setsockopt(socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on), 0);
  return socket;
}

void SendFrame(const TestPod& from, const std::string& frame) {
  EXPECT_THAT(InNetworkNamespace(
                  from.netns,
                  [&]() -> Result<> {
                    const UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
                    if (!socket.valid()) return FailErrno("packet socket");
                    sockaddr_ll link{};
                    link.sll_family = AF_PACKET;
                    link.sll_ifindex = static_cast<int>(::if_nametoindex("eth0"));
                    if (::sendto(socket.get(), frame.data(), frame.size(), 0,
                                 reinterpret_cast<const sockaddr*>(&link), sizeof link) < 0) {
                      return FailErrno("send a frame");
                    }
                    return {};
                  }),
              IsOk());
}

UniqueFd Connect(const TestPod& from, const Address& to, uint16_t port,
                 std::chrono::milliseconds timeout) {
  UniqueFd socket = SocketIn(from, to.is_ipv6() ? AF_INET6 : AF_INET, SOCK_STREAM);
  GiveItsLink(socket, to);
  const SocketAddress address = ToSocketAddress(to, port);
  if (::connect(socket.get(), address.get(), address.length) == 0) return socket;
  pollfd ready{socket.get(), POLLOUT, 0};
  if (errno != EINPROGRESS || ::poll(&ready, 1, static_cast<int>(timeout.count())) != 1) return {};
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0 ? std::move(socket) : UniqueFd();
}

bool Reaches(const TestPod& from, const Address& to, uint16_t port) {
  return Connect(from, to, port, std::chrono::seconds(10)).valid();
}

bool IsDropped(const TestPod& from, const Address& to, uint16_t port) {
  return !Connect(from, to, port, std::chrono::milliseconds(500)).valid();
}

void SendDatagram(const TestPod& from, const Address& to, uint16_t port) {
  const UniqueFd socket = SocketIn(from, to.is_ipv6() ? AF_INET6 : AF_INET, SOCK_DGRAM);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
  GiveItsLink(socket, to);
  const SocketAddress address = ToSocketAddress(to, port);
  ::sendto(socket.get(), "x", 1, MSG_DONTWAIT, address.get(), address.length);
}

bool IsReadable(const UniqueFd& socket, std::chrono::milliseconds timeout) {
  pollfd ready{socket.get(), POLLIN, 0};
  return ::poll(&ready, 1, static_cast<int>(timeout.count())) == 1;
}

}  // namespace trivet::netpolicy
