#include "tests/integration/cni/host_port_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstring>
#include <thread>

#include "common/linux/file.h"

namespace trivet::cni {
namespace {

constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};

sockaddr_in6 Mapped6(const std::string& address, uint16_t port) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(port);
  const bool v4 = address.find(':') == std::string::npos;
  EXPECT_EQ(::inet_pton(AF_INET6, ((v4 ? "::ffff:" : "") + address).c_str(), &to.sin6_addr), 1);
  return to;
}

std::string TextOf(const sockaddr_in6& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
  const std::string whole = text.data();
  return whole.starts_with("::ffff:") ? whole.substr(std::strlen("::ffff:")) : whole;
}

}  // namespace

void HostPortTest::SetUp() {
  ChainTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  const std::string ip = "/usr/sbin/ip";
  Tell(ip, {"link", "set", "lo", "up"});
  Remember();
  client_ = MakePod("client");
  Tell(ip, {"link", "add", "h0", "type", "veth", "peer", "name", "eth0", "netns", "client"});
  Tell(ip, {"address", "add", "192.0.2.1/24", "dev", "h0"});
  Tell(ip, {"address", "add", "fd99::1/64", "dev", "h0", "nodad"});
  Tell(ip, {"-n", "client", "address", "add", "192.0.2.2/24", "dev", "eth0"});
  Tell(ip, {"-n", "client", "address", "add", "fd99::2/64", "dev", "eth0", "nodad"});
  Tell(ip, {"-n", "client", "link", "set", "eth0", "up"});
  Tell(ip, {"link", "set", "h0", "up"});
}

void HostPortTest::TearDown() {
  if (!IsSkipped()) Tell("/usr/sbin/ip", {"link", "delete", "h0"});
  ChainTest::TearDown();
}

HostPortTest::Attached HostPortTest::Attach(const std::string& id, int network,
                                            const json::Value& members) {
  Attached attached{.pod = MakePod(id), .result = {}, .network = network};
  json::Value conf = Network(network);
  conf.update(members);
  attached.result = Added(attached.pod, conf);
  return attached;
}

json::Value HostPortTest::Network(int network) const {
  json::Value conf = Conf();
  if (network == 0) return conf;
  conf["name"] = "othernet";
  conf["bridge"] = "br1";
  conf["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.10.0.0/24"}}})};
  conf["ipam"]["routes"] = {{{"dst", "0.0.0.0/0"}}};
  return conf;
}

json::Value HostPortTest::Mapped(const Attached& attached, const std::vector<json::Value>& mappings,
                                 const json::Value& members) const {
  json::Value conf = Chained("portmap", members, attached.result);
  conf["name"] = Network(attached.network)["name"];
  conf["runtimeConfig"] = {{"portMappings", mappings}};
  return conf;
}

json::Value HostPortTest::Mapping(int host_port, int container_port, const std::string& protocol) {
  return {{"hostPort", host_port}, {"containerPort", container_port}, {"protocol", protocol}};
}

json::Value HostPortTest::MappingOf(const std::string& host_ip, int host_port, int container_port) {
  json::Value mapping = Mapping(host_port, container_port);
  mapping["hostIP"] = host_ip;
  return mapping;
}

UniqueFd HostPortTest::SocketIn(const std::optional<Pod>& pod, int family, int type, int protocol) {
  UniqueFd socket;
  std::thread([&] {
    if (pod) {
      const UniqueFd netns(::open(pod->netns.c_str(), O_RDONLY | O_CLOEXEC));
      ASSERT_EQ(::setns(netns.get(), CLONE_NEWNET), 0);
    }
    socket = UniqueFd(::socket(family, type | SOCK_CLOEXEC, protocol));
  }).join();
  EXPECT_TRUE(socket.valid());
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  return socket;
}

UniqueFd HostPortTest::Serve(const std::optional<Pod>& pod, int type, uint16_t port) {
  UniqueFd socket = SocketIn(pod, AF_INET6, type);
  const int off = 0;
  ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  const sockaddr_in6 here = Mapped6("::", port);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(socket.get(), 16), 0);
  }
  return socket;
}

int HostPortTest::Connect(const UniqueFd& socket, const std::string& address, uint16_t port) {
  const sockaddr_in6 to = Mapped6(address, port);
  const int result = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return result == 0 ? 0 : errno;
}

void HostPortTest::Send(const UniqueFd& socket, const std::string& address, uint16_t port,
                        const std::string& message) {
  const sockaddr_in6 to = Mapped6(address, port);
  // An ICMP error for an earlier one is told once, instead of sending.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const ssize_t sent = ::sendto(socket.get(), message.data(), message.size(), 0,
                                  reinterpret_cast<const sockaddr*>(&to), sizeof to);
    if (sent == static_cast<ssize_t>(message.size())) return;
  }
  ADD_FAILURE() << "send to " << address << ": " << std::strerror(errno);
}

void HostPortTest::SendToNobody(const UniqueFd& socket, const std::string& address, uint16_t port) {
  EXPECT_EQ(Connect(socket, address, port), 0);
  Send(socket, address, port, "lost");
  EXPECT_EQ(Receive(socket), "");
  EXPECT_EQ(errno, ECONNREFUSED);
}

std::string HostPortTest::Receive(const UniqueFd& socket) {
  std::array<char, 2048> buffer{};
  const ssize_t received = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
  return received < 0 ? "" : std::string(buffer.data(), static_cast<size_t>(received));
}

std::string HostPortTest::SeenFrom(const std::optional<Pod>& from, const std::string& address,
                                   uint16_t port, const UniqueFd& server) {
  const UniqueFd socket = SocketIn(from, AF_INET6, SOCK_STREAM);
  const int error = Connect(socket, address, port);
  if (error != 0) return std::strerror(error);
  sockaddr_in6 peer{};
  socklen_t bytes = sizeof peer;
  const UniqueFd accepted(
      ::accept4(server.get(), reinterpret_cast<sockaddr*>(&peer), &bytes, SOCK_CLOEXEC));
  return accepted.valid() ? TextOf(peer) : "accepted by somebody else";
}

bool HostPortTest::IsRefusedFrom(const std::optional<Pod>& from, const std::string& address,
                                 uint16_t port) {
  return Connect(SocketIn(from, AF_INET6, SOCK_STREAM), address, port) == ECONNREFUSED;
}

std::string HostPortTest::RouteLocalnet(const std::string& interface) {
  return ReadFile("/proc/sys/net/ipv4/conf/" + interface + "/route_localnet")
      .value_or("absent\n")
      .substr(0, 1);
}

}  // namespace trivet::cni
