#include "common/linux/nftables_message.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace trivet::nft {

netlink::Request NetfilterMessage(uint8_t subsystem, uint16_t type, uint16_t flags,
                                  uint8_t family) {
  netlink::Request message(static_cast<uint16_t>(subsystem << 8 | type), flags);
  message.Struct(nfgenmsg{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0});
  return message;
}

std::span<const std::byte> AsSpan(const Bytes& bytes) {
  return std::as_bytes(std::span(bytes));
}

Bytes AsBytes(const netlink::Attributes& attributes, uint16_t attribute) {
  const auto found = attributes.Find(attribute);
  if (!found) return {};
  return {reinterpret_cast<const char*>(found->bytes().data()), found->bytes().size()};
}

void PutData(netlink::Request& message, uint16_t attribute, const Bytes& value) {
  message.Nest(attribute,
               [&](netlink::Request& data) { data.Bytes(NFTA_DATA_VALUE, AsSpan(value)); });
}

void PutVerdict(netlink::Request& message, uint16_t attribute, const Verdict& verdict) {
  message.Nest(attribute, [&](netlink::Request& data) {
    data.Nest(NFTA_DATA_VERDICT, [&](netlink::Request& inner) {
      inner.Big32(NFTA_VERDICT_CODE, static_cast<uint32_t>(verdict.code));
      if (!verdict.chain.empty()) inner.String(NFTA_VERDICT_CHAIN, verdict.chain);
    });
  });
}

// A field: its number, the length of its value and the value, a string with its closing NUL.
void PutComment(netlink::Request& message, uint16_t attribute, std::string_view comment,
                size_t max_bytes, uint8_t field) {
  if (comment.empty()) return;
  const std::string_view kept = comment.substr(0, max_bytes);
  Bytes user_data{static_cast<char>(field), static_cast<char>(kept.size() + 1)};
  user_data.append(kept).push_back('\0');
  message.Bytes(attribute, AsSpan(user_data));
}

std::string ReadComment(std::string_view user_data) {
  constexpr size_t kHeader = 2;
  while (user_data.size() >= kHeader) {
    const auto field = static_cast<uint8_t>(user_data[0]);
    const size_t length = static_cast<uint8_t>(user_data[1]);
    user_data.remove_prefix(kHeader);
    if (length > user_data.size()) break;
    if (field == kCommentField && length > 0) return std::string(user_data.substr(0, length - 1));
    user_data.remove_prefix(length);
  }
  return {};
}

}  // namespace trivet::nft
