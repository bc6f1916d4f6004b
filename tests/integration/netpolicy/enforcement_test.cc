// What packets meet, between pods on one bridge.

#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "common/linux/command.h"
#include "common/linux/netns.h"
#include "tests/integration/netpolicy/policy_test.h"
#include "tests/testing/matchers.h"

namespace trivet::netpolicy {
namespace {

using testing::IsOk;
constexpr auto kMoment = std::chrono::milliseconds(500);
constexpr auto kLong = std::chrono::seconds(15);  // TCP sends again after 0.2, 0.6, 1.4, ... s

class Enforcement : public PolicyTest, public ::testing::WithParamInterface<bool> {
 protected:
  static bool ipv6() { return GetParam(); }
};

TEST_P(Enforcement, LetsTheClientInAndNobodyElse) {
  WritePolicy("only-client", kOnlyClient);
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod client = AddPod("client");
  const TestPod stranger = AddPod("stranger");
  const UniqueFd at80 = Serve(server, SOCK_STREAM, ipv6(), 80);
  const UniqueFd at81 = Serve(server, SOCK_STREAM, ipv6(), 81);

  EXPECT_TRUE(Reaches(client, server.address(ipv6())));
  EXPECT_TRUE(IsDropped(client, server.address(ipv6()), 81));
  EXPECT_TRUE(IsDropped(stranger, server.address(ipv6())));
}

TEST_P(Enforcement, LeavesPodsAloneThatNoPolicySelects) {
  WritePolicy("only-client", kOnlyClient);
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod stranger = AddPod("stranger");
  const UniqueFd listener = Serve(stranger, SOCK_STREAM, ipv6(), 80);
  EXPECT_TRUE(Reaches(server, stranger.address(ipv6())));
}

TEST_P(Enforcement, LetsRepliesPassThatEgressWouldDeny) {
  WritePolicy("quiet", "{podSelector: {matchLabels: {app: server}}, policyTypes: [Egress]}");
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod client = AddPod("client");
  const UniqueFd listener = Serve(server, SOCK_STREAM, ipv6(), 80);
  const UniqueFd other = Serve(client, SOCK_STREAM, ipv6(), 80);

  const UniqueFd connection = Connect(client, server.address(ipv6()), 80, kLong);
  ASSERT_TRUE(connection.valid());
  const UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_EQ(::send(accepted.get(), "hello", 5, 0), 5);
  EXPECT_TRUE(IsReadable(connection, kLong));
  EXPECT_TRUE(IsDropped(server, client.address(ipv6())));
}

TEST_P(Enforcement, CutsAnEstablishedConnectionAndLetsItGoOn) {
  WritePolicy("only-client", kOnlyClient);
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod client = AddPod("client");
  const UniqueFd listener = Serve(server, SOCK_STREAM, ipv6(), 80);
  const UniqueFd connection = Connect(client, server.address(ipv6()), 80, kLong);
  const UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(accepted.valid());

  const std::string before = Table();
  WritePolicy("only-client", "{podSelector: {matchLabels: {app: server}}}");
  ASSERT_TRUE(Eventually([&] { return Table() != before; }));
  ASSERT_EQ(::send(connection.get(), "x", 1, 0), 1);
  EXPECT_FALSE(IsReadable(accepted, kMoment));

  WritePolicy("only-client", kOnlyClient);
  EXPECT_TRUE(IsReadable(accepted, kLong));
}

TEST_P(Enforcement, FollowsAnEditOfThePolicy) {
  WritePolicy("only-client", kOnlyClient);
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod stranger = AddPod("stranger");
  const UniqueFd listener = Serve(server, SOCK_STREAM, ipv6(), 80);
  ASSERT_TRUE(IsDropped(stranger, server.address(ipv6())));

  WritePolicy("only-client", "{podSelector: {matchLabels: {app: server}}, ingress: [{}]}");
  EXPECT_TRUE(Eventually([&] { return !IsDropped(stranger, server.address(ipv6())); }));
  WritePolicy("only-client", kOnlyClient);
  EXPECT_TRUE(Eventually([&] { return IsDropped(stranger, server.address(ipv6())); }));
  std::filesystem::remove(manifests_ / "only-client.yaml");
  EXPECT_TRUE(Eventually([&] { return !IsDropped(stranger, server.address(ipv6())); }));
}

TEST_P(Enforcement, HoldsForUdpToo) {
  WritePolicy("only-client",
              "{podSelector: {matchLabels: {app: server}}, ingress: [{from: [{podSelector: "
              "{matchLabels: {app: client}}}], ports: [{port: 53, protocol: UDP}]}]}");
  StartAgent();
  const TestPod server = AddPod("server");
  const TestPod client = AddPod("client");
  const TestPod stranger = AddPod("stranger");
  const UniqueFd socket = Serve(server, SOCK_DGRAM, ipv6(), 53);

  SendDatagram(stranger, server.address(ipv6()), 53);
  EXPECT_FALSE(IsReadable(socket, kMoment));
  EXPECT_TRUE(Eventually([&] {
    SendDatagram(client, server.address(ipv6()), 53);
    return IsReadable(socket, std::chrono::milliseconds(50));
  }));
}

// A sender is at work in the pod's namespace before ADD begins and after it ends.
TEST_P(Enforcement, IsInForceBeforeTheFirstPacket) {
  WritePolicy("only-client", kOnlyClient);
  StartAgent();
  const TestPod server = AddPod("server");
  const UniqueFd socket = Serve(server, SOCK_DGRAM, ipv6(), 80);
  for (int round = 0; round < 5; ++round) {
    const std::string name = "stranger-" + std::to_string(round);
    WritePodManifest(name);
    TestPod stranger = MakePod(name);
    std::atomic<bool> stop = false;
    std::thread sender([&] {
      while (!stop) SendDatagram(stranger, server.address(ipv6()), 80);
    });
    Attach(stranger);
    EXPECT_FALSE(IsReadable(socket, std::chrono::milliseconds(200))) << name;
    stop = true;
    sender.join();
  }
}

TEST_P(Enforcement, DeniesAPodWithoutAManifestUntilItComes) {
  StartAgent();
  const TestPod server = AddPod("server");
  TestPod unknown = MakePod("unknown");
  Attach(unknown);
  const UniqueFd listener = Serve(server, SOCK_STREAM, ipv6(), 80);
  EXPECT_TRUE(IsDropped(unknown, server.address(ipv6())));
  WritePodManifest("unknown");
  EXPECT_TRUE(Eventually([&] { return !IsDropped(unknown, server.address(ipv6())); }));
}

TEST_P(Enforcement, DeniesAnAddressThatAPodTookItself) {
  StartAgent({"--node-range", "10.9.0.0/24", "--node-range", "fd09::/64"});
  const TestPod server = AddPod("server");
  const TestPod client = AddPod("client");
  const UniqueFd listener = Serve(server, SOCK_STREAM, ipv6(), 80);
  ASSERT_TRUE(Reaches(client, server.address(ipv6())));
  const char* own = ipv6() ? "fd09::99/64" : "10.9.0.99/24";
  ASSERT_THAT(
      InNetworkNamespace(client.netns,
                         [&]() -> Result<> {
                           for (const char* verb : {"flush", "add"}) {
                             std::vector<std::string> args{"address", verb};
                             if (std::string(verb) == "add") args.emplace_back(own);
                             args.insert(args.end(), {"dev", "eth0"});
                             if (ipv6() && args[1] == "add") args.emplace_back("nodad");
                             RETURN_IF_ERROR(RunCommand({.program = "/usr/sbin/ip", .args = args}));
                           }
                           return {};
                         }),
      IsOk());
  EXPECT_TRUE(IsDropped(client, server.address(ipv6())));
}

const auto kFamilyName = [](const auto& family) { return family.param ? "Ipv6" : "Ipv4"; };
INSTANTIATE_TEST_SUITE_P(Family, Enforcement, ::testing::Bool(), kFamilyName);

}  // namespace
}  // namespace trivet::netpolicy
