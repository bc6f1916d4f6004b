// What pods on one bridge reach each other by without an address that anybody gave them.

#include <netinet/icmp6.h>
#include <sys/socket.h>

#include "common/linux/command.h"
#include "tests/integration/netpolicy/frames.h"
#include "tests/integration/netpolicy/policy_test.h"

namespace trivet::netpolicy {
namespace {

constexpr auto kMoment = std::chrono::milliseconds(500);
constexpr const char* kClosed = "{podSelector: {matchLabels: {app: server}}}";

class OnTheBridge : public PolicyTest {
 protected:
  // Of eth0, once the kernel has made it from the hardware address.
  static Address LinkLocal(const TestPod& pod) {
    std::string text;
    EXPECT_TRUE(Eventually([&] {
      const auto run = RunCommand({.program = "/usr/sbin/ip",
                                   .args = {"-n", pod.name, "-6", "-o", "address", "show", "dev",
                                            "eth0", "scope", "link", "-tentative"}});
      const size_t at = run ? run->out.find("fe80") : std::string::npos;
      if (at == std::string::npos) return false;
      text = run->out.substr(at, run->out.find('/', at) - at);
      return true;
    }));
    return Address::Parse(text).value_or(Address{});
  }

  // A policy more, and what was made of it is in the kernel.
  void Close() {
    const std::string before = Table();
    WritePolicy("closed", kClosed);
    ASSERT_TRUE(Eventually([&] { return Table() != before; }));
  }
};

TEST_F(OnTheBridge, NobodyReachesAnIsolatedPodByItsLinkLocalAddress) {
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod stranger = AddPod("stranger");
  const UniqueFd listener = Serve(server, SOCK_STREAM, true, 80);
  const Address link_local = LinkLocal(server);
  ASSERT_TRUE(Reaches(stranger, link_local));
  Close();
  EXPECT_TRUE(IsDropped(stranger, link_local));
}

TEST_F(OnTheBridge, NobodyReachesAnIsolatedPodByWhatIsSentToAll) {
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod stranger = AddPod("stranger");
  LinkLocal(stranger);  // to send from
  const UniqueFd at4 = Serve(server, SOCK_DGRAM, false, 53);
  const UniqueFd at6 = Serve(server, SOCK_DGRAM, true, 53);
  constexpr std::array kEverybody{"10.9.0.255", "255.255.255.255", "224.0.0.1", "ff02::1"};
  const auto hears = [&](const char* text) {
    const Address to = Address::Parse(text).value();
    SendDatagram(stranger, to, 53);
    const UniqueFd& socket = to.is_ipv6() ? at6 : at4;
    char datagram = 0;
    return IsReadable(socket, kMoment) && ::recv(socket.get(), &datagram, 1, 0) == 1;
  };
  for (const char* text : kEverybody) EXPECT_TRUE(Eventually([&] { return hears(text); })) << text;
  Close();
  for (const char* text : kEverybody) EXPECT_FALSE(hears(text)) << text;
}

// Bridge netfilter does not see frames with a tag, and the receiver takes VLAN 0 for none.
TEST_F(OnTheBridge, NobodyGetsPastAPolicyByATag) {
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod stranger = AddPod("stranger");
  const UniqueFd socket = Serve(server, SOCK_DGRAM, false, 53);
  const Forged genuine{.source = stranger.ipv4, .destination = server.ipv4};
  SendFrame(stranger, DatagramFrame(stranger, server, genuine));
  char datagram = 0;
  ASSERT_TRUE(IsReadable(socket, std::chrono::seconds(10)));
  ASSERT_EQ(::recv(socket.get(), &datagram, 1, 0), 1);
  Close();
  const std::string customer("\x81\x00\x00\x00", 4);
  const std::string provider("\x88\xa8\x00\x00", 4);
  for (const std::string& tags :
       {std::string(), customer, provider, customer + customer, provider + customer}) {
    SendFrame(stranger, DatagramFrame(stranger, server, genuine, tags));
  }
  EXPECT_FALSE(IsReadable(socket, kMoment));
  EXPECT_EQ(RunCni("DEL", stranger).exit_code, 0);
  EXPECT_EQ(RunCni("DEL", server).exit_code, 0);
  const auto left = RunCommand(
      {.program = "/usr/sbin/nft", .args = {"list", "table", "bridge", "trivet_senders"}});
  EXPECT_NE(left->exit_code, 0) << left->out;
}

// CVE-2020-10749: a pod that says it is the router.
TEST_F(OnTheBridge, NoPodIsAnothersRouter) {
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod stranger = AddPod("stranger");
  LinkLocal(stranger);
  const UniqueFd listener = RawIcmp6(server, {ND_ROUTER_SOLICIT, ND_ROUTER_ADVERT});
  const UniqueFd sender = RawIcmp6(stranger, {});
  const Address all_nodes = Address::Parse("ff02::1").value();
  std::string advertisement(sizeof(nd_router_advert), '\0');
  advertisement[0] = static_cast<char>(ND_ROUTER_ADVERT);
  SendIcmp6(sender, all_nodes, advertisement);
  EXPECT_FALSE(IsReadable(listener, kMoment));
  std::string solicitation(sizeof(nd_router_solicit), '\0');
  solicitation[0] = static_cast<char>(ND_ROUTER_SOLICIT);
  EXPECT_TRUE(Eventually([&] {
    SendIcmp6(sender, all_nodes, solicitation);
    return IsReadable(listener, kMoment);
  }));
}

}  // namespace
}  // namespace trivet::netpolicy
