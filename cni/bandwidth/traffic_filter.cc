#include "cni/bandwidth/traffic_filter.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
// After glibc's headers, which the kernel's give way to.
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace trivet::cni {
namespace {

// Filters of one priority are of one protocol; the lowest number is asked first.
constexpr uint32_t kCatchAllPriority = 3;
constexpr uint16_t kFirstAction = 1;

struct FilterSpec {
  uint32_t priority;
  uint16_t protocol;  // ETH_P_…
  std::vector<tc_u32_key> keys;
};

tcmsg MakeFilterHeader(const Link& link, uint32_t parent, const FilterSpec& spec) {
  tcmsg header{};
  header.tcm_ifindex = static_cast<int>(link.index);
  header.tcm_parent = parent;
  header.tcm_info = TC_H_MAKE(spec.priority << 16, htons(spec.protocol));
  return header;
}

// struct tc_u32_sel ends with an array of its keys.
std::vector<std::byte> MakeSelector(const std::vector<tc_u32_key>& keys) {
  tc_u32_sel selector{};
  selector.flags = TC_U32_TERMINAL;
  selector.nkeys = static_cast<unsigned char>(keys.size());
  std::vector<std::byte> bytes(offsetof(tc_u32_sel, keys) + keys.size() * sizeof(tc_u32_key));
  std::memcpy(bytes.data(), &selector, offsetof(tc_u32_sel, keys));
  std::memcpy(bytes.data() + offsetof(tc_u32_sel, keys), keys.data(),
              keys.size() * sizeof(tc_u32_key));
  return bytes;
}

tc_mirred MakeMirred(uint32_t link_index) {
  tc_mirred mirred{};
  mirred.action = TC_ACT_STOLEN;
  mirred.eaction = TCA_EGRESS_REDIR;
  mirred.ifindex = link_index;
  return mirred;
}

Result<> AddFilter(netlink::RouteSocket& socket, const Link& link, uint32_t parent,
                   const FilterSpec& spec, const TrafficTarget& target) {
  netlink::Request request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(MakeFilterHeader(link, parent, spec)).String(TCA_KIND, "u32");
  request.Nest(TCA_OPTIONS, [&](auto& options) {
    options.Bytes(TCA_U32_SEL, MakeSelector(spec.keys));
    if (target.class_id != 0) options.U32(TCA_U32_CLASSID, target.class_id);
    if (target.redirect_to == 0) return;
    options.Nest(TCA_U32_ACT, [&](auto& actions) {
      actions.Nest(kFirstAction, [&](auto& action) {
        const tc_mirred mirred = MakeMirred(target.redirect_to);
        action.String(TCA_ACT_KIND, "mirred").Nest(TCA_ACT_OPTIONS, [&](auto& parameters) {
          parameters.Bytes(TCA_MIRRED_PARMS, std::as_bytes(std::span(&mirred, 1)));
        });
      });
    });
  });
  return socket.Execute(request, fmt::format("add filter to {}", link.name));
}

// The address in words of four bytes, as far as the prefix goes; offsets from the IP header.
FilterSpec MatchSubnet(const IpPrefix& subnet, PeerEnd peer) {
  constexpr size_t kWordBytes = 4;
  constexpr int kWordBits = 32;
  const bool v4 = subnet.address.is_v4();
  const bool source = peer == PeerEnd::kSource;
  FilterSpec spec{.priority = 1, .protocol = ETH_P_IP, .keys = {}};
  if (!v4) spec = {.priority = 2, .protocol = ETH_P_IPV6, .keys = {}};
  const size_t address = v4 ? (source ? offsetof(iphdr, saddr) : offsetof(iphdr, daddr))
                            : (source ? offsetof(ip6_hdr, ip6_src) : offsetof(ip6_hdr, ip6_dst));
  int bits_left = subnet.length;
  for (size_t word = 0; word * kWordBytes < subnet.address.bytes().size(); ++word) {
    const int bits = std::clamp(bits_left, 0, kWordBits);
    if (bits == 0 && word > 0) break;
    bits_left -= bits;
    tc_u32_key key{};
    std::memcpy(&key.val, subnet.address.bytes().data() + word * kWordBytes, kWordBytes);
    key.mask = htonl(bits == 0 ? 0 : ~uint32_t{0} << (kWordBits - bits));
    key.off = static_cast<int>(address + word * kWordBytes);
    spec.keys.push_back(key);
  }
  return spec;
}

bool RedirectsTo(const netlink::Message& filter, uint32_t link_index) {
  const auto parameters = filter.AttributesAfter<tcmsg>()
                              .Nest(TCA_OPTIONS)
                              .Nest(TCA_U32_ACT)
                              .Nest(kFirstAction)
                              .Nest(TCA_ACT_OPTIONS)
                              .Find(TCA_MIRRED_PARMS);
  tc_mirred mirred{};
  if (!parameters || parameters->bytes().size() < sizeof mirred) return false;
  std::memcpy(&mirred, parameters->bytes().data(), sizeof mirred);
  return mirred.eaction == TCA_EGRESS_REDIR && mirred.ifindex == link_index;
}

}  // namespace

Result<> AddSubnetFilters(netlink::RouteSocket& socket, const Link& link, uint32_t parent,
                          const std::vector<IpPrefix>& subnets, PeerEnd peer,
                          const TrafficTarget& target) {
  for (const IpPrefix& subnet : subnets) {
    RETURN_IF_ERROR(AddFilter(socket, link, parent, MatchSubnet(subnet, peer), target),
                    subnet.ToString());
  }
  return {};
}

Result<> AddCatchAllFilter(netlink::RouteSocket& socket, const Link& link, uint32_t parent,
                           const TrafficTarget& target) {
  const FilterSpec all{
      .priority = kCatchAllPriority, .protocol = ETH_P_ALL, .keys = {tc_u32_key{}}};
  return AddFilter(socket, link, parent, all, target);
}

Result<bool> HasRedirect(netlink::RouteSocket& socket, const Link& link, uint32_t parent,
                         uint32_t redirect_to) {
  tcmsg header{};
  header.tcm_ifindex = static_cast<int>(link.index);
  header.tcm_parent = parent;
  netlink::Request request(RTM_GETTFILTER, 0);
  request.Struct(header);
  ASSIGN_OR_RETURN(const auto filters,
                   socket.Dump(request, fmt::format("list filters of {}", link.name)));
  return std::any_of(filters.begin(), filters.end(), [&](const netlink::Message& filter) {
    return RedirectsTo(filter, redirect_to);
  });
}

}  // namespace trivet::cni
