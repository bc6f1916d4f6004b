#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/linux/netlink.h"
#include "common/linux/nftables_rule.h"

/// What messages of nftables and of connection tracking are made of, beyond common/linux/netlink.h.
/// Source: linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h.
namespace trivet::nft {

/// A message of one of netfilter's subsystems: NFNL_SUBSYS_NFTABLES, ... `type` is the subsystem's
/// own: NFT_MSG_NEWRULE, ...; `family`: NFPROTO_INET, ...
netlink::Request NetfilterMessage(uint8_t subsystem, uint16_t type, uint16_t flags, uint8_t family);

/// Borrowed.
std::span<const std::byte> AsSpan(const Bytes& bytes);
/// Empty when there is no such attribute.
Bytes AsBytes(const netlink::Attributes& attributes, uint16_t attribute);

/// A nest with a value for registers.
void PutData(netlink::Request& message, uint16_t attribute, const Bytes& value);
/// A nest with a verdict in the place of a value.
void PutVerdict(netlink::Request& message, uint16_t attribute, const Verdict& verdict);

/// The number of a comment among the fields of an object's user data, which the kernel stores for
/// those who can read it. Source: libnftnl/udata.h.
constexpr uint8_t kCommentField = 0;  // of a chain, a rule, an element
constexpr uint8_t kSetCommentField = 7;
/// Puts user data that is a comment of at most `max_bytes`; nothing when it is empty.
void PutComment(netlink::Request& message, uint16_t attribute, std::string_view comment,
                size_t max_bytes, uint8_t field = kCommentField);
/// The comment among the user data of a chain, a rule or an element; empty when there is none.
std::string ReadComment(std::string_view user_data);

}  // namespace trivet::nft
