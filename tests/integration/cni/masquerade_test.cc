// Who a pod is to a neighbour of the node, and how soon it can be reached.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "common/linux/netns.h"
#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::IsOk;

constexpr uint16_t kPort = 7000;

class MasqueradeTest : public PluginTest {
 protected:
  /// A host with an own address on the node's segment, that knows the way back to the pods.
  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    outside_ = MakePod("outside");
    const std::string ip = "/usr/sbin/ip";
    Tell(ip, {"link", "add", "up0", "type", "veth", "peer", "name", "out0", "netns", "outside"});
    Tell(ip, {"link", "set", "up0", "addrgenmode", "none"});
    Tell(ip, {"-n", "outside", "link", "set", "out0", "addrgenmode", "none"});
    for (const char* address : {"192.0.2.1/24", "2001:db8::1/64"}) {
      Tell(ip, {"address", "add", address, "dev", "up0"});
    }
    Tell(ip, {"link", "set", "up0", "up"});
    for (const char* address : {"192.0.2.2/24", "2001:db8::2/64"}) {
      Tell(ip, {"-n", "outside", "address", "add", address, "dev", "out0"});
    }
    Tell(ip, {"-n", "outside", "link", "set", "out0", "up"});
    Tell(ip, {"-n", "outside", "route", "add", "10.9.0.0/24", "via", "192.0.2.1"});
    Tell(ip, {"-n", "outside", "-6", "route", "add", "fd09::/64", "via", "2001:db8::1"});
    // Packets each way have made the links run: nothing changes by itself from here on.
    for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
      Tell(ip, {"netns", "exec", "outside", "/bin/ping", "-c", "1", "-W", "5", address});
    }
    Remember();
  }
  void TearDown() override {
    PluginTest::TearDown();
    RemoveNetns(outside_);
  }

  /// A socket that lives in a pod's namespace; the test's own without one.
  static UniqueFd SocketIn(const std::optional<Pod>& pod, bool v4, int type) {
    UniqueFd fd;
    const auto open = [&]() -> Result<> {
      fd = UniqueFd(::socket(v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0));
      return {};
    };
    EXPECT_THAT(pod ? InNetworkNamespace(pod->netns, open) : open(), IsOk());
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
  }
  static socklen_t Fill(sockaddr_storage& storage, const std::string& address) {
    if (address.find(':') == std::string::npos) {
      auto* const v4 = reinterpret_cast<sockaddr_in*>(&storage);
      *v4 = {.sin_family = AF_INET, .sin_port = htons(kPort)};
      EXPECT_EQ(::inet_pton(AF_INET, address.c_str(), &v4->sin_addr), 1);
      return sizeof *v4;
    }
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    *v6 = {.sin6_family = AF_INET6, .sin6_port = htons(kPort)};
    EXPECT_EQ(::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr), 1);
    return sizeof *v6;
  }
  static std::string Text(const sockaddr_storage& storage) {
    char text[INET6_ADDRSTRLEN] = {};
    if (storage.ss_family == AF_INET) {
      ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, text,
                  sizeof text);
    } else {
      ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, text,
                  sizeof text);
    }
    return text;
  }
  static UniqueFd ServerAt(const std::optional<Pod>& pod, const std::string& address, int type) {
    sockaddr_storage storage{};
    const socklen_t size = Fill(storage, address);
    UniqueFd fd = SocketIn(pod, storage.ss_family == AF_INET, type);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0)
        << std::strerror(errno);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd.get(), 8), 0);
    }
    return fd;
  }

  /// Who the server at `address` in `server` sees when `client` connects or sends.
  static std::string Seen(const Pod& client, const std::optional<Pod>& server,
                          const std::string& address, int type) {
    const UniqueFd listener = ServerAt(server, address, type);
    sockaddr_storage storage{};
    const socklen_t size = Fill(storage, address);
    const UniqueFd fd = SocketIn(client, storage.ss_family == AF_INET, type);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0)
        << address << ": " << std::strerror(errno);
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof peer;
    if (type == SOCK_STREAM) {
      const UniqueFd accepted(
          ::accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size, SOCK_CLOEXEC));
      EXPECT_TRUE(accepted.valid()) << std::strerror(errno);
    } else {
      char byte = 'x';
      EXPECT_EQ(::send(fd.get(), &byte, 1, 0), 1);
      EXPECT_EQ(
          ::recvfrom(listener.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&peer), &peer_size),
          1)
          << std::strerror(errno);
    }
    return Text(peer);
  }

  Pod outside_;
};

TEST_F(MasqueradeTest, OutsideAPodHasTheNodesAddress) {
  const Pod pod = MakePod("c1");
  Added(pod, Conf());

  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    EXPECT_EQ(Seen(pod, outside_, "192.0.2.2", type), "192.0.2.1");
    EXPECT_EQ(Seen(pod, outside_, "2001:db8::2", type), "2001:db8::1");
  }
}

TEST_F(MasqueradeTest, WithoutMasqueradeItHasItsOwn) {
  const Pod pod = MakePod("c1");
  json::Value conf = Conf();
  conf["ipMasq"] = false;
  Added(pod, conf);

  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    EXPECT_EQ(Seen(pod, outside_, "192.0.2.2", type), "10.9.0.2");
    EXPECT_EQ(Seen(pod, outside_, "2001:db8::2", type), "fd09::2");
  }
}

TEST_F(MasqueradeTest, PodsOfTheNetworkAndTheNodeSeeItsOwn) {
  const Pod pod = MakePod("c1");
  const Pod other = MakePod("c2");
  Added(pod, Conf());
  Added(other, Conf());

  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    EXPECT_EQ(Seen(pod, other, "10.9.0.3", type), "10.9.0.2");
    EXPECT_EQ(Seen(pod, other, "fd09::3", type), "fd09::2");
    EXPECT_EQ(Seen(pod, {}, "10.9.0.1", type), "10.9.0.2");
    EXPECT_EQ(Seen(pod, {}, "fd09::1", type), "fd09::2");
  }
}

TEST_F(MasqueradeTest, APodIsReachableAsSoonAsAddHasAnswered) {
  std::vector<double> milliseconds;
  for (int i = 0; i < 9; ++i) {
    const Pod pod = MakePod(fmt::format("c{}", i));
    const json::Value result = Added(pod, Conf());
    const auto start = std::chrono::steady_clock::now();
    Seen(pod, outside_, i % 2 == 0 ? "192.0.2.2" : "2001:db8::2", SOCK_STREAM);
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - start;
    milliseconds.push_back(taken.count());
  }

  std::sort(milliseconds.begin(), milliseconds.end());
  // A first packet that is lost costs a second until TCP sends it again.
  EXPECT_LT(milliseconds[milliseconds.size() / 2], 500);
}

}  // namespace
}  // namespace trivet::cni
