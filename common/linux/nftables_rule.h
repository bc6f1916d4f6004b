#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/linux/netlink.h"

namespace trivet::nft {

/// Raw bytes in network byte order.
using Bytes = std::string;

/// What happens to a packet.
struct Verdict {
  int32_t code;       // NF_ACCEPT, NF_DROP, NFT_RETURN, NFT_CONTINUE, NFT_JUMP, NFT_GOTO
  std::string chain;  // of jump and goto
  friend auto operator<=>(const Verdict&, const Verdict&) = default;
};

/// One rule, expression by expression, in the order the kernel evaluates them. Values pass through
/// sixteen registers of four bytes, numbered 0 to 15; an IPv6 address takes four of them.
///
///   Rule()
///       .Ct(NFT_CT_SRC_IP, IP_CT_DIR_ORIGINAL)     // register 0
///       .Lookup("masquerade_from")
///       .Masquerade();
///
/// Source: linux/netfilter/nf_tables.h.
class Rule {
 public:
  /// `length` bytes of the packet at `offset` of a header: NFT_PAYLOAD_NETWORK_HEADER, ...
  Rule& Payload(uint32_t header, uint32_t offset, uint32_t length, uint32_t to = 0);
  /// NFT_META_L4PROTO, NFT_META_NFPROTO, NFT_META_OIFNAME, ...
  Rule& Meta(uint32_t key, uint32_t to = 0);
  /// A key of the connection that needs no direction: NFT_CT_STATE, NFT_CT_PROTOCOL, ... The rule
  /// does not match a packet without a connection, except by NFT_CT_STATE.
  Rule& Ct(uint32_t key, uint32_t to = 0);
  /// A key of one side's tuple: NFT_CT_SRC_IP, ... `direction`: IP_CT_DIR_ORIGINAL or _REPLY.
  Rule& CtTuple(uint32_t key, uint8_t direction, uint32_t to = 0);
  /// How the packet's destination is routed: RTN_LOCAL, ... as a native 32-bit number.
  Rule& FibDestinationType(uint32_t to = 0);

  /// Goes on when register `from` equals `value`.
  Rule& Equal(const Bytes& value, uint32_t from = 0);
  Rule& NotEqual(const Bytes& value, uint32_t from = 0);
  /// from = (from & mask) ^ flip; `mask` and `flip` of the same length.
  Rule& Bitwise(const Bytes& mask, const Bytes& flip, uint32_t from = 0);
  /// Goes on when the key at `from` is in the set.
  Rule& Lookup(std::string_view set, uint32_t from = 0);
  Rule& LookupNot(std::string_view set, uint32_t from = 0);
  /// Ends with the verdict that the map has for the key at `from`; goes to the next rule when it
  /// has none.
  Rule& LookupVerdict(std::string_view map, uint32_t from = 0);
  /// Goes on when the map has the key at `from`, with its value from register `to` on.
  Rule& LookupValue(std::string_view map, uint32_t from, uint32_t to);

  Rule& Counter();
  /// Goes on for at most `per_second` packets.
  Rule& LimitPerSecond(uint64_t per_second, uint32_t burst);
  /// Copies the packet to the nfnetlink_log group.
  Rule& Log(uint16_t group, std::string_view prefix);
  Rule& Decide(const Verdict& verdict);
  /// Only in a nat chain at postrouting.
  Rule& Masquerade();
  /// Sends the connection to the address and port in these registers, of the family NFPROTO_IPV4 or
  /// NFPROTO_IPV6. Only in a nat chain at prerouting or output.
  Rule& DestinationNat(uint32_t family, uint32_t address_from, uint32_t port_from);
  /// The packet's mark becomes register `from`.
  Rule& SetMark(uint32_t from = 0);
  /// At most 127 bytes are kept; shown by `nft list`.
  Rule& Comment(std::string_view comment);

  /// The expressions, one a line: the same for the rule in the kernel, see ReadRules(). Without the
  /// comment, and without what a counter has counted.
  [[nodiscard]] std::string Text() const;

 private:
  friend class Transaction;
  template <class Body>
  Rule& Add(std::string_view name, Body body);
  Rule& Compare(uint32_t operation, const Bytes& value, uint32_t from);
  Rule& LookupIn(std::string_view set, uint32_t from, std::optional<uint32_t> to, uint32_t flags);

  netlink::Request expressions_;  // what is inside NFTA_RULE_EXPRESSIONS
  std::string comment_;
};

/// Rule::Text() of what is inside NFTA_RULE_EXPRESSIONS.
std::string TextOfExpressions(const netlink::Attributes& expressions);

}  // namespace trivet::nft
