// Type "portmap", chained after a bridge: who reaches a container by a port of the node.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "tests/integration/cni/host_port_test.h"

namespace trivet::cni {
namespace {

class PortmapTrafficTest : public HostPortTest {
 protected:
  void Map(const Attached& attached, const json::Value& conf) {
    const Answer answer = Run("ADD", attached.pod, conf);
    EXPECT_THAT(answer, Succeeds());
    EXPECT_EQ(answer.value, attached.result);
    EXPECT_THAT(Check(attached.pod, conf, attached.result), Succeeds());
  }
  void Unmap(const Attached& attached, const json::Value& conf) {
    EXPECT_THAT(Run("DEL", attached.pod, conf), Succeeds());
  }
};

TEST_F(PortmapTrafficTest, EverybodyGetsInByEachAddressOfTheNode) {
  const Attached a = Attach("a");
  const Attached b = Attach("b");
  const Attached other = Attach("c", 1);
  const UniqueFd server = Serve(a.pod, SOCK_STREAM, 80);
  const json::Value conf = Mapped(a, {Mapping(8080, 80)});
  EXPECT_TRUE(IsRefusedFrom(client_, "192.0.2.1", 8080));

  Map(a, conf);

  EXPECT_EQ(SeenFrom(client_, "192.0.2.1", 8080, server), "192.0.2.2");
  EXPECT_EQ(SeenFrom(client_, "fd99::1", 8080, server), "fd99::2");
  EXPECT_EQ(SeenFrom({}, "192.0.2.1", 8080, server), "192.0.2.1");
  EXPECT_EQ(SeenFrom({}, "fd99::1", 8080, server), "fd99::1");
  EXPECT_EQ(SeenFrom({}, "127.0.0.1", 8080, server), "10.9.0.1");
  EXPECT_EQ(SeenFrom(b.pod, "192.0.2.1", 8080, server), "10.9.0.1");
  EXPECT_EQ(SeenFrom(b.pod, "10.9.0.1", 8080, server), "10.9.0.1");
  EXPECT_EQ(SeenFrom(b.pod, "fd99::1", 8080, server), "fd09::1");
  EXPECT_EQ(SeenFrom(other.pod, "192.0.2.1", 8080, server), "10.9.0.1");
  EXPECT_TRUE(IsRefusedFrom(client_, "192.0.2.1", 8081));

  Unmap(a, conf);
  EXPECT_TRUE(IsRefusedFrom(client_, "192.0.2.1", 8080));
  EXPECT_TRUE(IsRefusedFrom({}, "127.0.0.1", 8080));
}

TEST_F(PortmapTrafficTest, AContainerReachesItselfByThePortOfTheNode) {
  const Attached a = Attach("a", 0, {{"hairpinMode", true}});
  const UniqueFd server = Serve(a.pod, SOCK_STREAM, 80);
  const json::Value conf = Mapped(a, {Mapping(8080, 80)});
  Map(a, conf);

  EXPECT_EQ(SeenFrom(a.pod, "192.0.2.1", 8080, server), "10.9.0.1");
  EXPECT_EQ(SeenFrom(a.pod, "fd99::1", 8080, server), "fd09::1");

  Unmap(a, conf);
}

TEST_F(PortmapTrafficTest, MasqAllHidesWhoComes) {
  const Attached a = Attach("a");
  const UniqueFd server = Serve(a.pod, SOCK_STREAM, 80);
  const json::Value conf = Mapped(a, {Mapping(8080, 80)}, {{"masqAll", true}, {"markMasqBit", 31}});
  Map(a, conf);

  EXPECT_EQ(SeenFrom(client_, "192.0.2.1", 8080, server), "10.9.0.1");
  EXPECT_EQ(SeenFrom(client_, "fd99::1", 8080, server), "fd09::1");

  Unmap(a, conf);
}

TEST_F(PortmapTrafficTest, AHostIpTakesThePortOfThatAddressAlone) {
  const Attached a = Attach("a");
  const Attached b = Attach("b");
  const UniqueFd server_a = Serve(a.pod, SOCK_STREAM, 80);
  const UniqueFd server_b = Serve(b.pod, SOCK_STREAM, 80);
  const json::Value conf_a = Mapped(a, {MappingOf("127.0.0.1", 8080, 80)});
  const json::Value conf_b =
      Mapped(b, {MappingOf("192.0.2.1", 8080, 80), MappingOf("fd99::1", 8080, 80)});
  Map(a, conf_a);

  EXPECT_TRUE(IsRefusedFrom(client_, "192.0.2.1", 8080));
  EXPECT_EQ(SeenFrom({}, "127.0.0.1", 8080, server_a), "10.9.0.1");
  Map(b, conf_b);
  EXPECT_EQ(SeenFrom(client_, "192.0.2.1", 8080, server_b), "192.0.2.2");
  EXPECT_EQ(SeenFrom(client_, "fd99::1", 8080, server_b), "fd99::2");
  EXPECT_EQ(SeenFrom({}, "127.0.0.1", 8080, server_a), "10.9.0.1");

  Unmap(a, conf_a);
  EXPECT_EQ(SeenFrom(client_, "192.0.2.1", 8080, server_b), "192.0.2.2");
  Unmap(b, conf_b);
}

TEST_F(PortmapTrafficTest, ConditionsSayWhoIsLetIn) {
  const Attached a = Attach("a");
  const UniqueFd server = Serve(a.pod, SOCK_STREAM, 80);
  const json::Value conf = Mapped(a, {Mapping(8080, 80)},
                                  {{"conditionsV4", {"!", "-s", "192.0.2.0/24"}},
                                   {"conditionsV6", {"ip6 saddr", "fd99::/64", "-d", "fd99::1"}}});
  Map(a, conf);

  EXPECT_TRUE(IsRefusedFrom(client_, "192.0.2.1", 8080));
  EXPECT_EQ(SeenFrom({}, "127.0.0.1", 8080, server), "10.9.0.1");
  EXPECT_EQ(SeenFrom(client_, "fd99::1", 8080, server), "fd99::2");
  EXPECT_TRUE(IsRefusedFrom({}, "fd09::1", 8080));

  Unmap(a, conf);
}

TEST_F(PortmapTrafficTest, DatagramsFollowTheContainerThatHasThePort) {
  const Attached a = Attach("a");
  const Attached b = Attach("b");
  const UniqueFd server_a = Serve(a.pod, SOCK_DGRAM, 90);
  const UniqueFd server_b = Serve(b.pod, SOCK_DGRAM, 90);
  const json::Value conf_a = Mapped(a, {Mapping(9000, 90, "udp")});
  const json::Value conf_b = Mapped(b, {Mapping(9000, 90, "UDP")});
  const UniqueFd sender = SocketIn(client_, AF_INET6, SOCK_DGRAM);
  const UniqueFd sender6 = SocketIn(client_, AF_INET6, SOCK_DGRAM);

  // Nobody has the port yet, and the kernel remembers whom these are for.
  SendToNobody(sender, "192.0.2.1", 9000);
  SendToNobody(sender6, "fd99::1", 9000);
  Map(a, conf_a);
  Send(sender, "192.0.2.1", 9000, "first");
  EXPECT_EQ(Receive(server_a), "first");
  Send(sender6, "fd99::1", 9000, "first of v6");
  EXPECT_EQ(Receive(server_a), "first of v6");

  Unmap(a, conf_a);
  Map(b, conf_b);
  Send(sender, "192.0.2.1", 9000, "second");
  EXPECT_EQ(Receive(server_b), "second");
  Send(sender6, "fd99::1", 9000, "second of v6");
  EXPECT_EQ(Receive(server_b), "second of v6");
  Unmap(b, conf_b);
}

TEST_F(PortmapTrafficTest, ConnectionsEndWithTheMappingAndThoseOfOthersGoOn) {
  const Attached a = Attach("a");
  const UniqueFd server = Serve(a.pod, SOCK_STREAM, 8080);
  const json::Value conf = Mapped(a, {Mapping(8080, 8080)});
  Map(a, conf);
  const UniqueFd by_port = SocketIn(client_, AF_INET6, SOCK_STREAM);
  const UniqueFd direct = SocketIn({}, AF_INET6, SOCK_STREAM);
  ASSERT_EQ(Connect(by_port, "192.0.2.1", 8080), 0);
  ASSERT_EQ(Connect(direct, "10.9.0.2", 8080), 0);

  Unmap(a, conf);

  EXPECT_EQ(::send(by_port.get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(Receive(by_port), "");
  const UniqueFd first(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const UniqueFd second(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(::send(direct.get(), "y", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(Receive(second), "y");
}

// Source: RFC 9260, sections 3.1 and 3.3.2; RFC 3309.
std::string SctpInit(uint16_t from, uint16_t to) {
  std::string packet(32, '\0');
  const uint16_t ports[] = {htons(from), htons(to)};
  std::memcpy(packet.data(), ports, sizeof ports);
  packet[12] = 1;                                 // INIT
  packet[15] = 20;                                // bytes of the chunk
  packet[19] = 1;                                 // initiate tag
  packet[22] = '\x10';                            // receiver window
  packet[25] = packet[27] = packet[31] = '\x01';  // streams out and in, initial TSN
  uint32_t crc = ~0U;
  for (const char c : packet) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  crc = ~crc;
  for (size_t i = 0; i < sizeof crc; ++i) packet[8 + i] = static_cast<char>(crc >> (8 * i));
  return packet;
}

TEST_F(PortmapTrafficTest, SctpAssociationsAreSentToTheContainer) {
  const Attached a = Attach("a");
  const json::Value conf = Mapped(a, {Mapping(9000, 90, "sctp")});
  Map(a, conf);
  const UniqueFd server = SocketIn(a.pod, AF_INET, SOCK_RAW, IPPROTO_SCTP);
  const UniqueFd sender = SocketIn(client_, AF_INET, SOCK_RAW, IPPROTO_SCTP);

  const std::string init = SctpInit(5000, 9000);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = ::inet_addr("192.0.2.1");
  ASSERT_EQ(::sendto(sender.get(), init.data(), init.size(), 0,
                     reinterpret_cast<const sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(init.size()));

  const std::string received = Receive(server);
  ASSERT_GE(received.size(), 20U + init.size());
  EXPECT_EQ(received.substr(20), SctpInit(5000, 90));  // with its checksum made right
  Unmap(a, conf);
}

TEST_F(PortmapTrafficTest, TheNodesLoopbackIsOpenToTheNodeAlone) {
  const Attached a = Attach("a");
  const json::Value conf = Mapped(a, {Mapping(8080, 80)});
  EXPECT_EQ(RouteLocalnet("br0"), "0");
  Map(a, conf);
  EXPECT_EQ(RouteLocalnet("br0"), "1");
  Tell("/usr/sbin/ip", {"-n", "a", "route", "add", "127.0.0.0/8", "via", "10.9.0.1"});
  const UniqueFd service = Serve({}, SOCK_DGRAM, 53);
  const UniqueFd sender = SocketIn(a.pod, AF_INET6, SOCK_DGRAM);

  Send(sender, "127.0.0.1", 53, "for the loopback");
  Send(sender, "10.9.0.1", 53, "for the gateway");
  EXPECT_EQ(Receive(service), "for the gateway");
  Tell("/usr/sbin/nft", {"flush", "chain", "inet", "trivet_host_ports", "loopback_guard"});
  Send(sender, "127.0.0.1", 53, "unguarded");
  EXPECT_EQ(Receive(service), "unguarded");

  Unmap(a, conf);
  EXPECT_EQ(RouteLocalnet("br0"), "0");
}

}  // namespace
}  // namespace trivet::cni
