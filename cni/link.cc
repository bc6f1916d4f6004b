#include "cni/link.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <charconv>

namespace trivet::cni {
namespace {

constexpr size_t kMacBytes = 6;
// IF_OPER_UNKNOWN and IF_OPER_UP, RFC 2863, and IFF_LOWER_UP; linux/if.h and net/if.h exclude each
// other.
constexpr uint8_t kOperationalUnknown = 0;
constexpr uint8_t kOperationalUp = 6;
constexpr uint32_t kHasCarrier = 1U << 16;

void ReadBridgeState(const netlink::Attributes& attributes, Link& link) {
  const netlink::Attributes data = attributes.Nest(IFLA_LINKINFO).Nest(IFLA_INFO_DATA);
  if (const auto filtering = data.Find(IFLA_BR_VLAN_FILTERING)) {
    link.filters_vlans = filtering->U8() == 1;
  }
  if (const auto vlan = data.Find(IFLA_BR_VLAN_DEFAULT_PVID)) {
    link.default_vlan = vlan->U16().value_or(0);
  }
}

// Of a bridge that was made without a MAC address of its own the kernel says "unknown" until it
// loses its carrier, which it has from its birth.
bool IsOperational(const netlink::Attributes& attributes, const Link& link) {
  const auto state = attributes.Find(IFLA_OPERSTATE);
  if (!state) return false;
  const bool unknown = link.kind == "bridge" && state->U8() == kOperationalUnknown;
  return state->U8() == kOperationalUp || (unknown && (link.flags & kHasCarrier) != 0);
}

// Leaves out the statistics, most of an answer's bytes.
constexpr uint32_t kWithoutStatistics = RTEXT_FILTER_SKIP_STATS;

Result<Link> AskForLink(netlink::RouteSocket& socket, const netlink::Request& request,
                        const std::string& what) {
  ASSIGN_OR_RETURN(const netlink::Message answer, socket.Query(request, what));
  return ParseLink(answer);
}

Result<std::optional<Link>> AbsentIfNotFound(Result<Link> link) {
  if (link) return std::move(*link);
  if (link.error().code() == Code::kNotFound) return std::nullopt;
  return std::unexpected(std::move(link).error());
}

}  // namespace

Link ParseLink(const netlink::Message& message) {
  const auto header = message.Header<ifinfomsg>();
  const netlink::Attributes attributes = message.AttributesAfter<ifinfomsg>();
  Link link;
  link.index = static_cast<uint32_t>(header.ifi_index);
  link.flags = header.ifi_flags;
  link.name = attributes.String(IFLA_IFNAME);
  link.alias = attributes.String(IFLA_IFALIAS);
  link.kind = attributes.Nest(IFLA_LINKINFO).String(IFLA_INFO_KIND);
  link.mtu_bytes = attributes.U32(IFLA_MTU).value_or(0);
  link.tx_queue_length = attributes.U32(IFLA_TXQLEN).value_or(0);
  link.master = attributes.U32(IFLA_MASTER).value_or(0);
  link.peer = attributes.U32(IFLA_LINK).value_or(0);
  if (const auto id = attributes.U32(IFLA_LINK_NETNSID)) {
    link.peer_netns = static_cast<int32_t>(*id);
  }
  link.operational = IsOperational(attributes, link);
  if (link.kind == "bridge") ReadBridgeState(attributes, link);
  if (const auto mac = attributes.Find(IFLA_ADDRESS)) link.mac = MacText(mac->bytes());
  return link;
}

Result<Link> ReadLink(netlink::RouteSocket& socket, const std::string& name) {
  netlink::Request request(RTM_GETLINK, 0);
  request.Struct(ifinfomsg{}).U32(IFLA_EXT_MASK, kWithoutStatistics).String(IFLA_IFNAME, name);
  return AskForLink(socket, request, fmt::format("read link {}", name));
}

Result<std::optional<Link>> FindLink(netlink::RouteSocket& socket, const std::string& name) {
  return AbsentIfNotFound(ReadLink(socket, name));
}

Result<std::optional<Link>> FindLink(netlink::RouteSocket& socket, uint32_t index) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  netlink::Request request(RTM_GETLINK, 0);
  request.Struct(header).U32(IFLA_EXT_MASK, kWithoutStatistics);
  return AbsentIfNotFound(AskForLink(socket, request, fmt::format("read link {}", index)));
}

Result<std::vector<Link>> ListLinks(netlink::RouteSocket& socket) {
  netlink::Request request(RTM_GETLINK, 0);
  request.Struct(ifinfomsg{}).U32(IFLA_EXT_MASK, kWithoutStatistics);
  ASSIGN_OR_RETURN(const auto answers, socket.Dump(request, "list links"));
  std::vector<Link> links;
  for (const netlink::Message& answer : answers) links.push_back(ParseLink(answer));
  return links;
}

Result<> SetLinkFlags(netlink::RouteSocket& socket, const Link& link, uint32_t flags,
                      uint32_t mask) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(link.index);
  header.ifi_flags = flags;
  header.ifi_change = mask;
  netlink::Request request(RTM_NEWLINK, 0);
  return socket.Execute(request.Struct(header), fmt::format("set flags of link {}", link.name));
}

// The kernel looks at all of a request before it does any of it.
Result<> ExecuteWithNoIpv6Address(netlink::RouteSocket& socket, const netlink::Request& request,
                                  std::string_view what) {
  netlink::Request complete = request;
  complete.Nest(IFLA_AF_SPEC, [](auto& families) {
    families.Nest(AF_INET6,
                  [](auto& v6) { v6.U8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE); });
  });
  auto executed = socket.Execute(complete, what);
  if (executed || executed.error().sys_errno() != EAFNOSUPPORT) return executed;
  return socket.Execute(request, what);
}

Result<> SetMac(netlink::RouteSocket& socket, const Link& link, const std::string& mac) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(link.index);
  netlink::Request request(RTM_NEWLINK, 0);
  request.Struct(header).Bytes(IFLA_ADDRESS, MacBytes(mac));
  return socket.Execute(request, fmt::format("set MAC address of link {}", link.name));
}

Result<> DeleteLink(netlink::RouteSocket& socket, const std::string& name) {
  netlink::Request request(RTM_DELLINK, 0);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, name);
  auto deleted = socket.Execute(request, fmt::format("delete link {}", name));
  if (!deleted && deleted.error().code() == Code::kNotFound) return {};
  return deleted;
}

Result<> DeleteLinks(netlink::RouteSocket& socket, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  constexpr uint32_t kDying = 0x74726976;  // "triv": of no link but those that are to go
  for (const std::string& name : names) {
    netlink::Request request(RTM_NEWLINK, 0);
    request.Struct(ifinfomsg{}).String(IFLA_IFNAME, name).U32(IFLA_GROUP, kDying);
    auto marked = socket.Execute(request, fmt::format("group link {} for deletion", name));
    if (!marked && marked.error().code() != Code::kNotFound) return marked;
  }
  netlink::Request request(RTM_DELLINK, 0);
  request.Struct(ifinfomsg{}).U32(IFLA_GROUP, kDying);
  auto deleted = socket.Execute(request, "delete a group of links");
  if (!deleted && deleted.error().code() == Code::kNotFound) return {};
  return deleted;
}

Interface DescribeLink(const Link& link, const std::string& sandbox) {
  return {.name = link.name, .mac = link.mac, .mtu_bytes = link.mtu_bytes, .sandbox = sandbox};
}

std::vector<std::byte> MacBytes(const std::string& mac) {
  constexpr size_t kCharsPerByte = 3;
  constexpr int kHexadecimal = 16;
  std::vector<std::byte> bytes;
  for (size_t i = 0; i + 1 < mac.size(); i += kCharsPerByte) {
    unsigned value = 0;
    std::from_chars(mac.data() + i, mac.data() + i + 2, value, kHexadecimal);
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

std::string MacText(std::span<const std::byte> bytes) {
  if (bytes.size() != kMacBytes) return {};
  std::string text;
  for (const std::byte byte : bytes) {
    if (!text.empty()) text += ':';
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

}  // namespace trivet::cni
