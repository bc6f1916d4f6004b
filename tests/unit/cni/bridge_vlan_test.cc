#include "cni/bridge_vlan.h"

#include <gmock/gmock.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

namespace trivet::cni {
namespace {

/// What the kernel would read of a message: its type, header and VLANs.
struct Sent {
  uint16_t type = 0;
  ifinfomsg header{};
  std::vector<std::pair<uint16_t, uint16_t>> vlans;  // {id, flags}
};

Sent Read(const netlink::Request& request) {
  Sent sent;
  const auto bytes = request.bytes();
  nlmsghdr outer{};
  std::memcpy(&outer, bytes.data(), sizeof outer);
  sent.type = outer.nlmsg_type;
  std::memcpy(&sent.header, bytes.data() + NLMSG_HDRLEN, sizeof sent.header);
  auto left = bytes.subspan(NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(ifinfomsg)));
  left = left.subspan(NLA_HDRLEN);  // into the nest IFLA_AF_SPEC
  while (!left.empty()) {
    nlattr attribute{};
    std::memcpy(&attribute, left.data(), sizeof attribute);
    bridge_vlan_info vlan{};
    EXPECT_EQ(attribute.nla_type, IFLA_BRIDGE_VLAN_INFO);
    EXPECT_EQ(attribute.nla_len, NLA_HDRLEN + sizeof vlan);
    std::memcpy(&vlan, left.data() + NLA_HDRLEN, sizeof vlan);
    sent.vlans.emplace_back(vlan.vid, vlan.flags);
    left = left.subspan(NLA_ALIGN(attribute.nla_len));
  }
  return sent;
}

TEST(PortVlanRequest, AddsAVlanForPacketsWithoutATag) {
  constexpr uint16_t kFlags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
  const Sent sent = Read(PortVlanRequest(VlanChange::kAdd, 42, {{100, 100}}, kFlags));

  EXPECT_EQ(sent.type, RTM_SETLINK);
  EXPECT_EQ(sent.header.ifi_family, AF_BRIDGE);
  EXPECT_EQ(sent.header.ifi_index, 42);
  EXPECT_THAT(sent.vlans, ::testing::ElementsAre(std::pair(100, kFlags)));
}

TEST(PortVlanRequest, SaysWhereARangeBeginsAndEnds) {
  const Sent sent = Read(PortVlanRequest(VlanChange::kAdd, 1, {{5, 5}, {10, 20}}, 0));

  EXPECT_THAT(sent.vlans,
              ::testing::ElementsAre(std::pair(5, 0), std::pair(10, BRIDGE_VLAN_INFO_RANGE_BEGIN),
                                     std::pair(20, BRIDGE_VLAN_INFO_RANGE_END)));
}

TEST(PortVlanRequest, DeletesByAMessageOfItsOwn) {
  EXPECT_EQ(Read(PortVlanRequest(VlanChange::kDelete, 1, {{1, 1}}, 0)).type, RTM_DELLINK);
}

}  // namespace
}  // namespace trivet::cni
