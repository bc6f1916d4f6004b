#include "cni/address.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

namespace trivet::cni {
namespace {

ifaddrmsg Header(const Link& link, const IpPrefix& address) {
  ifaddrmsg header{};
  header.ifa_family = address.address.family();
  header.ifa_prefixlen = address.length;
  header.ifa_scope = RT_SCOPE_UNIVERSE;
  header.ifa_index = link.index;
  return header;
}

std::string Name(const Link& link, const IpPrefix& address) {
  return fmt::format("address {} of link {}", address.ToString(), link.name);
}

bool HasBroadcast(const IpPrefix& address) {
  constexpr uint8_t kPointToPoint = 31;
  return address.address.is_v4() && address.length < kPointToPoint;
}

}  // namespace

Result<> AddAddress(netlink::RouteSocket& socket, const Link& link, const IpPrefix& address,
                    const AddressOptions& options) {
  netlink::Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(Header(link, address))
      .Bytes(IFA_LOCAL, address.address.bytes())
      .Bytes(IFA_ADDRESS, address.address.bytes());
  if (HasBroadcast(address)) request.Bytes(IFA_BROADCAST, address.Last().bytes());
  uint32_t flags = 0;
  if (!address.address.is_v4() && options.detection == DuplicateDetection::kOff) {
    flags |= IFA_F_NODAD;
  }
  if (options.route == NetworkRoute::kOff) flags |= IFA_F_NOPREFIXROUTE;
  if (flags != 0) request.U32(IFA_FLAGS, flags);
  auto added = socket.Execute(request, "add " + Name(link, address));
  if (!added && added.error().code() == Code::kAlreadyExists) return {};
  return added;
}

Result<> DeleteAddress(netlink::RouteSocket& socket, const Link& link, const IpPrefix& address) {
  netlink::Request request(RTM_DELADDR, 0);
  request.Struct(Header(link, address)).Bytes(IFA_LOCAL, address.address.bytes());
  auto deleted = socket.Execute(request, "delete " + Name(link, address));
  if (!deleted && deleted.error().sys_errno() == EADDRNOTAVAIL) return {};
  return deleted;
}

Result<std::vector<IpPrefix>> ListAddresses(netlink::RouteSocket& socket, const Link& link) {
  ifaddrmsg filter{};
  filter.ifa_index = link.index;
  netlink::Request request(RTM_GETADDR, 0);
  ASSIGN_OR_RETURN(
      const auto answers,
      socket.Dump(request.Struct(filter), fmt::format("list addresses of link {}", link.name)));
  std::vector<IpPrefix> addresses;
  for (const netlink::Message& answer : answers) {
    const auto attributes = answer.AttributesAfter<ifaddrmsg>();
    // IFA_LOCAL is the interface's own; IPv6 has it in IFA_ADDRESS unless it is a point-to-point.
    auto value = attributes.Find(IFA_LOCAL);
    if (!value) value = attributes.Find(IFA_ADDRESS);
    if (!value) continue;
    ASSIGN_OR_RETURN(const IpAddress address, IpAddress::FromBytes(value->bytes()));
    addresses.push_back({address, answer.Header<ifaddrmsg>().ifa_prefixlen});
  }
  return addresses;
}

}  // namespace trivet::cni
