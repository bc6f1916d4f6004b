#include "common/linux/nftables_rule.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <vector>

#include "common/base/error.h"
#include "common/linux/nftables_message.h"

namespace trivet::nft {
namespace {

using netlink::Request;

// Register 0 of ours is the kernel's first one of four bytes. One that is the first of sixteen has
// two numbers, of which the kernel tells the older. Source: nf_tables_api.c (nft_dump_register).
uint32_t KernelRegister(uint32_t number) {
  constexpr uint32_t kParts = NFT_REG_SIZE / NFT_REG32_SIZE;
  return number % kParts == 0 ? NFT_REG_1 + number / kParts : NFT_REG32_00 + number;
}

// Of these the kernel marks what is nested in another way than we do.
bool IsData(std::string_view expression, uint16_t attribute) {
  return (expression == "cmp" && attribute == NFTA_CMP_DATA) ||
         (expression == "immediate" && attribute == NFTA_IMMEDIATE_DATA) ||
         (expression == "bitwise" &&
          (attribute == NFTA_BITWISE_MASK || attribute == NFTA_BITWISE_XOR));
}

bool IsCount(std::string_view expression, uint16_t attribute) {
  return expression == "counter" || (expression == "limit" && attribute == NFTA_LIMIT_PAD);
}

// By hand, and in place: an ADD compares some thousand bytes.
void AppendHex(std::string& text, std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const size_t start = text.size();
  text.resize(start + 2 * bytes.size());
  char* at = text.data() + start;
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    *at++ = kDigits[value >> 4];
    *at++ = kDigits[value & 0xf];
  }
}

void AppendData(std::string& text, const netlink::Attributes& data) {
  if (const auto value = data.Find(NFTA_DATA_VALUE)) return AppendHex(text, value->bytes());
  const netlink::Attributes verdict = data.Nest(NFTA_DATA_VERDICT);
  const auto code = static_cast<int32_t>(verdict.Big32(NFTA_VERDICT_CODE).value_or(0));
  text += fmt::format("verdict {} {}", code, verdict.String(NFTA_VERDICT_CHAIN));
}

// The attributes by their numbers, as the kernel has an order of its own.
void AppendExpression(std::string& text, const netlink::Attributes& expression) {
  const std::string name = expression.String(NFTA_EXPR_NAME);
  text += name;
  auto fields = expression.Nest(NFTA_EXPR_DATA).all();
  std::sort(fields.begin(), fields.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [type, value] : fields) {
    if (IsCount(name, type)) continue;
    text.append(" ").append(std::to_string(type)).append("=");
    if (IsData(name, type)) {
      AppendData(text, netlink::Attributes(value.bytes()));
    } else {
      AppendHex(text, value.bytes());
    }
  }
  text += '\n';
}

}  // namespace

template <class Body>
Rule& Rule::Add(std::string_view name, Body body) {
  expressions_.Nest(NFTA_LIST_ELEM, [&](Request& expression) {
    expression.String(NFTA_EXPR_NAME, name);
    expression.Nest(NFTA_EXPR_DATA, body);
  });
  return *this;
}

Rule& Rule::Payload(uint32_t header, uint32_t offset, uint32_t length, uint32_t to) {
  return Add("payload", [&](Request& payload) {
    payload.Big32(NFTA_PAYLOAD_DREG, KernelRegister(to));
    payload.Big32(NFTA_PAYLOAD_BASE, header);
    payload.Big32(NFTA_PAYLOAD_OFFSET, offset);
    payload.Big32(NFTA_PAYLOAD_LEN, length);
  });
}

Rule& Rule::Meta(uint32_t key, uint32_t to) {
  return Add("meta", [&](Request& meta) {
    meta.Big32(NFTA_META_KEY, key);
    meta.Big32(NFTA_META_DREG, KernelRegister(to));
  });
}

Rule& Rule::Ct(uint32_t key, uint32_t to) {
  return Add("ct", [&](Request& ct) {
    ct.Big32(NFTA_CT_KEY, key);
    ct.Big32(NFTA_CT_DREG, KernelRegister(to));
  });
}

Rule& Rule::CtTuple(uint32_t key, uint8_t direction, uint32_t to) {
  return Add("ct", [&](Request& ct) {
    ct.Big32(NFTA_CT_KEY, key);
    ct.Big32(NFTA_CT_DREG, KernelRegister(to));
    ct.U8(NFTA_CT_DIRECTION, direction);
  });
}

Rule& Rule::FibDestinationType(uint32_t to) {
  return Add("fib", [&](Request& fib) {
    fib.Big32(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
    fib.Big32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    fib.Big32(NFTA_FIB_DREG, KernelRegister(to));
  });
}

Rule& Rule::Compare(uint32_t operation, const Bytes& value, uint32_t from) {
  return Add("cmp", [&](Request& cmp) {
    cmp.Big32(NFTA_CMP_SREG, KernelRegister(from));
    cmp.Big32(NFTA_CMP_OP, operation);
    PutData(cmp, NFTA_CMP_DATA, value);
  });
}

Rule& Rule::Equal(const Bytes& value, uint32_t from) {
  return Compare(NFT_CMP_EQ, value, from);
}

Rule& Rule::NotEqual(const Bytes& value, uint32_t from) {
  return Compare(NFT_CMP_NEQ, value, from);
}

Rule& Rule::Bitwise(const Bytes& mask, const Bytes& flip, uint32_t from) {
  return Add("bitwise", [&](Request& bitwise) {
    bitwise.Big32(NFTA_BITWISE_SREG, KernelRegister(from));
    bitwise.Big32(NFTA_BITWISE_DREG, KernelRegister(from));
    bitwise.Big32(NFTA_BITWISE_OP, NFT_BITWISE_BOOL);
    bitwise.Big32(NFTA_BITWISE_LEN, static_cast<uint32_t>(mask.size()));
    PutData(bitwise, NFTA_BITWISE_MASK, mask);
    PutData(bitwise, NFTA_BITWISE_XOR, flip);
  });
}

Rule& Rule::LookupIn(std::string_view set, uint32_t from, std::optional<uint32_t> to,
                     uint32_t flags) {
  return Add("lookup", [&](Request& lookup) {
    lookup.Big32(NFTA_LOOKUP_SREG, KernelRegister(from));
    if (to) lookup.Big32(NFTA_LOOKUP_DREG, *to);
    lookup.String(NFTA_LOOKUP_SET, set);
    lookup.Big32(NFTA_LOOKUP_FLAGS, flags);
  });
}

Rule& Rule::Lookup(std::string_view set, uint32_t from) {
  return LookupIn(set, from, std::nullopt, 0);
}

Rule& Rule::LookupNot(std::string_view set, uint32_t from) {
  return LookupIn(set, from, std::nullopt, NFT_LOOKUP_F_INV);
}

Rule& Rule::LookupVerdict(std::string_view map, uint32_t from) {
  return LookupIn(map, from, NFT_REG_VERDICT, 0);
}

Rule& Rule::LookupValue(std::string_view map, uint32_t from, uint32_t to) {
  return LookupIn(map, from, KernelRegister(to), 0);
}

Rule& Rule::Counter() {
  return Add("counter", [](Request&) {});
}

// With all that the kernel adds by itself, so that Text() is as it tells the rule. As of NAT.
Rule& Rule::LimitPerSecond(uint64_t per_second, uint32_t burst) {
  return Add("limit", [&](Request& limit) {
    limit.Big64(NFTA_LIMIT_RATE, per_second);
    limit.Big64(NFTA_LIMIT_UNIT, 1);
    limit.Big32(NFTA_LIMIT_BURST, burst);
    limit.Big32(NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
    limit.Big32(NFTA_LIMIT_FLAGS, 0);
  });
}

Rule& Rule::Log(uint16_t group, std::string_view prefix) {
  return Add("log", [&](Request& log) {
    log.String(NFTA_LOG_PREFIX, prefix);
    log.Big16(NFTA_LOG_GROUP, group);
  });
}

Rule& Rule::Decide(const Verdict& verdict) {
  return Add("immediate", [&](Request& immediate) {
    immediate.Big32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    PutVerdict(immediate, NFTA_IMMEDIATE_DATA, verdict);
  });
}

Rule& Rule::Masquerade() {
  return Add("masq", [](Request&) {});
}

Rule& Rule::DestinationNat(uint32_t family, uint32_t address_from, uint32_t port_from) {
  return Add("nat", [&](Request& nat) {
    nat.Big32(NFTA_NAT_TYPE, NFT_NAT_DNAT);
    nat.Big32(NFTA_NAT_FAMILY, family);
    nat.Big32(NFTA_NAT_REG_ADDR_MIN, KernelRegister(address_from));
    nat.Big32(NFTA_NAT_REG_ADDR_MAX, KernelRegister(address_from));
    nat.Big32(NFTA_NAT_REG_PROTO_MIN, KernelRegister(port_from));
    nat.Big32(NFTA_NAT_REG_PROTO_MAX, KernelRegister(port_from));
    nat.Big32(NFTA_NAT_FLAGS, NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED);
  });
}

Rule& Rule::SetMark(uint32_t from) {
  return Add("meta", [&](Request& meta) {
    meta.Big32(NFTA_META_KEY, NFT_META_MARK);
    meta.Big32(NFTA_META_SREG, KernelRegister(from));
  });
}

Rule& Rule::Comment(std::string_view comment) {
  comment_ = comment;
  return *this;
}

std::string Rule::Text() const {
  return TextOfExpressions(netlink::Attributes(expressions_.bytes()));
}

std::string TextOfExpressions(const netlink::Attributes& expressions) {
  std::string text;
  for (const auto& [type, value] : expressions.all()) {
    AppendExpression(text, netlink::Attributes(value.bytes()));
  }
  return text;
}

}  // namespace trivet::nft
