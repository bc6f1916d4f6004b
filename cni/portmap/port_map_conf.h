#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cni/ip_prefix.h"
#include "cni/net_conf.h"
#include "common/base/error.h"

namespace trivet::cni {

/// One of "portMappings": a port of the node that leads to one of the container's.
struct PortMapping {
  uint8_t protocol;  // IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP
  uint16_t host_port;
  uint16_t container_port;
  std::optional<IpAddress> host_ip;  // absent: every address of the node, of both families
};

/// One test of a connection's first packet, of "conditionsV4" and "conditionsV6".
struct Condition {
  bool of_source;  // false: of the destination
  bool negated;
  IpPrefix prefix;
};

/// The keys of type "portmap". Source: the reference plugin's README.
struct PortMapConf {
  bool snat = true;
  bool masquerade_all = false;
  uint32_t mark_bit = 13;  // of packet marks, 0 to 31
  std::vector<Condition> conditions_v4;
  std::vector<Condition> conditions_v6;
  std::vector<PortMapping> mappings;  // no two of them overlap, none is of host port 0
};

/// Errors: kInvalidArgument that names the key, kUnimplemented for what only iptables can do.
Result<PortMapConf> ParsePortMapConf(const NetConf& conf);

/// 0.0.0.0 or ::, every address of the node.
bool IsUnspecified(const IpAddress& address);

/// "tcp", "udp", "sctp", in any case. Errors: kInvalidArgument.
Result<uint8_t> ParseProtocol(std::string_view text);
std::string_view ProtocolName(uint8_t protocol);

}  // namespace trivet::cni
