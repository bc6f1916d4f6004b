// A pod that may send raw frames, and what of another pod's it can take.
#include <netinet/icmp6.h>
#include <sys/socket.h>

#include <array>

#include "common/linux/command.h"
#include "tests/integration/netpolicy/frames.h"
#include "tests/integration/netpolicy/policy_test.h"

namespace trivet::netpolicy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Address At(const char* text) {
  return Address::Parse(text).value();
}

// Of the hardware address that ADD makes of the pod's address.
Address LinkLocalOf(const TestPod& pod) {
  const std::string& ip = pod.ipv4.bytes;
  return {.bytes =
              std::string("\xfe\x80\0\0\0\0\0\0\x08\x58", 10) + ip[0] + "\xff\xfe" + ip.substr(1)};
}

// Of neighbour discovery: the type, the address that is meant, and what is told with it.
std::string Discovery(uint8_t type, const Address& target, const std::string& rest) {
  std::string message(8, '\0');
  message[0] = static_cast<char>(type);
  return message + target.bytes + rest;
}

class SenderTest : public PolicyTest {
 protected:
  void SetUp() override {
    PolicyTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    StartAgent();
  }

  void AddPods() {
    server_ = AddPod("server");
    client_ = AddPod("client");
    thief_ = AddPod("thief");
  }

  [[nodiscard]] std::string Datagram(const Address& source, const std::string& payload) const {
    const Address& to = source.is_ipv6() ? server_.ipv6 : server_.ipv4;
    return DatagramFrame(thief_, server_,
                         {.source = source, .destination = to, .payload = payload});
  }
  [[nodiscard]] std::string Arp(const Address& source, const std::string& payload) const {
    return ArpFrame(thief_, server_,
                    {.source = source, .destination = server_.ipv4, .payload = payload});
  }
  [[nodiscard]] std::string Advertisement(const Address& target, const std::string& rest) const {
    return Icmp6Frame(thief_, server_,
                      {.source = thief_.ipv6,
                       .destination = server_.ipv6,
                       .payload = Discovery(ND_NEIGHBOR_ADVERT, target, rest)});
  }

  // Everything by which the thief says that it is the client, each with its name inside.
  [[nodiscard]] std::vector<std::string> Forgeries() const {
    return {Datagram(client_.ipv4, "<ipv4>"),
            Datagram(At("192.0.2.9"), "<ipv4 of nobody>"),
            Arp(client_.ipv4, "<arp>"),
            Datagram(client_.ipv6, "<ipv6>"),
            Datagram(LinkLocalOf(client_), "<link-local>"),
            Datagram(At("::"), "<unspecified>"),
            Advertisement(client_.ipv6, "<advertisement>"),
            Advertisement(LinkLocalOf(client_), "<link-local advertisement>")};
  }

  // What stations on a link say of themselves.
  [[nodiscard]] std::vector<std::string> Genuine() const {
    const std::string detection = Icmp6Frame(
        thief_, server_,
        {.source = At("::"),
         .destination = At("ff02::1:ff00:4"),
         .payload = Discovery(ND_NEIGHBOR_SOLICIT, thief_.ipv6, "<duplicate detection>")});
    return {Arp(thief_.ipv4, "<own arp>"),
            Arp(At("0.0.0.0"), "<arp probe>"),
            Datagram(LinkLocalOf(thief_), "<own link-local>"),
            Advertisement(thief_.ipv6, "<own advertisement>"),
            Advertisement(LinkLocalOf(thief_), "<own link-local advertisement>"),
            detection,
            Datagram(thief_.ipv6, "<own ipv6>")};
  }

  // The names of those frames that reached the server, in order.
  [[nodiscard]] std::vector<std::string> Arriving(const std::vector<std::string>& frames) const {
    const UniqueFd sniffer = Sniff(server_);
    for (const std::string& frame : frames) SendFrame(thief_, frame);
    const std::string last = "<end>";
    SendFrame(thief_, Datagram(thief_.ipv4, last));
    std::vector<std::string> names;
    while (names.empty() || names.back() != last) {
      std::array<char, 2048> frame{};
      if (!IsReadable(sniffer, std::chrono::seconds(10))) break;
      const ssize_t size = ::recv(sniffer.get(), frame.data(), frame.size(), 0);
      const std::string text(frame.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
      const size_t from = text.rfind('<');
      if (from != std::string::npos && text.ends_with('>')) names.push_back(text.substr(from));
    }
    EXPECT_FALSE(names.empty());
    if (!names.empty()) names.pop_back();
    return names;
  }

  static bool HasGuard() {
    const auto run = RunCommand(
        {.program = "/usr/sbin/nft", .args = {"list", "table", "bridge", "trivet_senders"}});
    return run && run->exit_code == 0;
  }

  TestPod server_;
  TestPod client_;
  TestPod thief_;
};

TEST_F(SenderTest, NobodySendsAsAnotherPod) {
  AddPods();
  EXPECT_THAT(Arriving(Forgeries()), IsEmpty());
}

TEST_F(SenderTest, EverybodySendsAsItself) {
  AddPods();
  EXPECT_THAT(Arriving(Genuine()),
              ElementsAre("<own arp>", "<arp probe>", "<own link-local>", "<own advertisement>",
                          "<own link-local advertisement>", "<duplicate detection>", "<own ipv6>"));
}

// The frames are good ones: where nobody checks, they arrive.
TEST_F(SenderTest, ANetworkMayLeaveItsSendersUnchecked) {
  source_check_ = false;
  AddPods();
  EXPECT_THAT(Arriving(Forgeries()),
              ElementsAre("<ipv4>", "<ipv4 of nobody>", "<arp>", "<ipv6>", "<link-local>",
                          "<unspecified>", "<advertisement>", "<link-local advertisement>"));
}

TEST_F(SenderTest, APolicyIsNotPassedByTheNameOfAPodThatItLetsIn) {
  WritePolicy("only-client",
              "{podSelector: {matchLabels: {app: server}}, ingress: [{from: [{podSelector: "
              "{matchLabels: {app: client}}}]}]}");
  AddPods();
  const UniqueFd listener = Serve(server_, SOCK_STREAM, false, 80);
  EXPECT_TRUE(Reaches(client_, server_.ipv4));
  const UniqueFd socket = Serve(server_, SOCK_DGRAM, false, 53);
  SendFrame(thief_, Datagram(client_.ipv4, "forged"));
  SendFrame(client_,
            DatagramFrame(client_, server_, {.source = client_.ipv4, .destination = server_.ipv4}));
  std::array<char, 64> datagram{};
  ASSERT_TRUE(IsReadable(socket, std::chrono::seconds(10)));
  EXPECT_EQ(::recv(socket.get(), datagram.data(), datagram.size(), 0), 1);
}

TEST_F(SenderTest, DelForgetsThePort) {
  AddPods();
  for (const TestPod& pod : {server_, client_, thief_}) {
    EXPECT_TRUE(HasGuard());
    EXPECT_EQ(RunCni("DEL", pod).exit_code, 0);
  }
  EXPECT_FALSE(HasGuard());
}

}  // namespace
}  // namespace trivet::netpolicy
