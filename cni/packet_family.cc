#include "cni/packet_family.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>
// After glibc's headers, which the kernel's give way to.
#include <linux/netfilter.h>

#include <cstddef>

namespace trivet::cni {
namespace {

constexpr PacketFamily kPacketFamilies[] = {
    {NFPROTO_IPV4, true, nft::Type::kIpv4Address, 4, offsetof(iphdr, saddr), offsetof(iphdr, daddr),
     "_v4"},
    {NFPROTO_IPV6, false, nft::Type::kIpv6Address, 16, offsetof(ip6_hdr, ip6_src),
     offsetof(ip6_hdr, ip6_dst), "_v6"}};

}  // namespace

std::span<const PacketFamily> PacketFamilies() {
  return kPacketFamilies;
}

const PacketFamily& FamilyOf(const IpAddress& address) {
  return kPacketFamilies[address.is_v4() ? 0 : 1];
}

nft::Bytes BytesOf(const IpAddress& address) {
  const auto bytes = address.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

nft::Bytes MaskOf(const IpPrefix& prefix) {
  const size_t bytes = prefix.address.bytes().size();
  const auto ones = IpAddress::FromBytes(std::vector<std::byte>(bytes, std::byte{0xff}));
  return BytesOf(ones->WithHostBits(prefix.length, false));
}

}  // namespace trivet::cni
