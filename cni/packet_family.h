#pragma once

#include <cstdint>
#include <span>

#include "cni/ip_prefix.h"
#include "common/linux/nftables.h"

namespace trivet::cni {

/// Where the addresses of a packet are, for rules of tables of family inet.
struct PacketFamily {
  uint8_t number;  // NFPROTO_IPV4, NFPROTO_IPV6
  bool v4;
  nft::Type type;
  uint32_t address_bytes;
  uint32_t source_offset;
  uint32_t destination_offset;
  const char* suffix;  // "_v4": of the names of what is there once for each family
};

/// IPv4's and IPv6's.
std::span<const PacketFamily> PacketFamilies();
const PacketFamily& FamilyOf(const IpAddress& address);

/// As in a packet.
nft::Bytes BytesOf(const IpAddress& address);
/// "10.1.0.0/16" is ff ff 00 00.
nft::Bytes MaskOf(const IpPrefix& prefix);

}  // namespace trivet::cni
