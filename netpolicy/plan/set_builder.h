#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netpolicy/model/index.h"
#include "netpolicy/plan/address_book.h"
#include "netpolicy/plan/ruleset.h"

namespace trivet::netpolicy {

/// Makes the sets that class rules refer to, each once; asking again gives the same name.
class SetBuilder {
 public:
  SetBuilder(const ClusterIndex& index, const PodAddresses& addresses, Ruleset& ruleset)
      : index_(index), addresses_(addresses), ruleset_(ruleset) {}

  /// The addresses, of one family, of all pods that the allowance's selectors select.
  std::string Peers(const Allowance& allowance, bool ipv6);
  /// The allowance's address ranges of one family; empty name: it has none.
  std::string Blocks(const Allowance& allowance, bool ipv6);
  /// protocol . port of every single port.
  std::string Services(const std::vector<PortRange>& single_ports);
  /// Port ranges, whatever the protocol.
  std::string PortRanges(const std::vector<PortRange>& ranges);
  /// address . protocol . port of every pod among the allowance's peers that has one of its named
  /// ports.
  std::string NamedPorts(const Allowance& allowance, bool ipv6);

 private:
  std::string Add(nft::Set set, std::vector<nft::Element> elements);
  [[nodiscard]] std::vector<const Pod*> PodsOf(const Allowance& allowance) const;
  [[nodiscard]] const std::vector<Address>& AddressesOf(const Pod& pod) const;
  const ClusterIndex& index_;
  const PodAddresses& addresses_;
  Ruleset& ruleset_;
};

/// Twenty hexadecimal digits of SHA-256: a tenant cannot make two texts that share a name.
std::string ContentName(std::string_view prefix, std::string_view content);

nft::Bytes ToBytes(Protocol protocol);
nft::Bytes ToBytes(uint16_t port);

}  // namespace trivet::netpolicy
