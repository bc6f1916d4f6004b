#include "common/linux/nftables_rule.h"

#include <arpa/inet.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <cstdlib>

#include "common/base/error.h"

namespace trivet::nft {
namespace {

// Register 0 of ours is the kernel's first one of four bytes. One that is the first of sixteen has
// two numbers, of which the kernel tells the older. Source: nf_tables_api.c (nft_dump_register).
uint32_t KernelRegister(uint32_t number) {
  constexpr uint32_t kParts = NFT_REG_SIZE / NFT_REG32_SIZE;
  return number % kParts == 0 ? NFT_REG_1 + number / kParts : NFT_REG32_00 + number;
}

}  // namespace

void Rule::ExpressionDeleter::operator()(nftnl_expr* expression) const {
  nftnl_expr_free(expression);
}

Rule::Rule() = default;
Rule::~Rule() = default;
Rule::Rule(Rule&&) noexcept = default;
Rule& Rule::operator=(Rule&&) noexcept = default;

nftnl_expr* Rule::Add(const char* name) {
  // Null means no memory, or a name that libnftnl does not have: both are ours to die of.
  nftnl_expr* expression = nftnl_expr_alloc(name);
  if (expression == nullptr) std::abort();
  return expressions_.emplace_back(expression).get();
}

Rule& Rule::Payload(uint32_t header, uint32_t offset, uint32_t length, uint32_t to) {
  nftnl_expr* payload = Add("payload");
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, header);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, length);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, KernelRegister(to));
  return *this;
}

Rule& Rule::Meta(uint32_t key, uint32_t to) {
  nftnl_expr* meta = Add("meta");
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, KernelRegister(to));
  return *this;
}

Rule& Rule::Ct(uint32_t key, uint32_t to) {
  nftnl_expr* ct = Add("ct");
  nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, key);
  nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, KernelRegister(to));
  return *this;
}

Rule& Rule::CtTuple(uint32_t key, uint8_t direction, uint32_t to) {
  Ct(key, to);
  nftnl_expr_set_u8(expressions_.back().get(), NFTNL_EXPR_CT_DIR, direction);
  return *this;
}

Rule& Rule::FibDestinationType(uint32_t to) {
  nftnl_expr* fib = Add("fib");
  nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
  nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
  nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_DREG, KernelRegister(to));
  return *this;
}

Rule& Rule::Compare(uint32_t operation, const Bytes& value, uint32_t from) {
  nftnl_expr* cmp = Add("cmp");
  nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_SREG, KernelRegister(from));
  nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_OP, operation);
  nftnl_expr_set(cmp, NFTNL_EXPR_CMP_DATA, value.data(), static_cast<uint32_t>(value.size()));
  return *this;
}

Rule& Rule::Equal(const Bytes& value, uint32_t from) {
  return Compare(NFT_CMP_EQ, value, from);
}

Rule& Rule::NotEqual(const Bytes& value, uint32_t from) {
  return Compare(NFT_CMP_NEQ, value, from);
}

Rule& Rule::Bitwise(const Bytes& mask, const Bytes& flip, uint32_t from) {
  nftnl_expr* bitwise = Add("bitwise");
  const auto length = static_cast<uint32_t>(mask.size());
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, KernelRegister(from));
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, KernelRegister(from));
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, length);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, mask.data(), length);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, flip.data(), length);
  return *this;
}

Rule& Rule::LookupIn(std::string_view set, uint32_t from, uint32_t flags) {
  nftnl_expr* lookup = Add("lookup");
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, KernelRegister(from));
  nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, std::string(set).c_str());
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, flags);
  return *this;
}

Rule& Rule::Lookup(std::string_view set, uint32_t from) {
  return LookupIn(set, from, 0);
}

Rule& Rule::LookupNot(std::string_view set, uint32_t from) {
  return LookupIn(set, from, NFT_LOOKUP_F_INV);
}

Rule& Rule::LookupVerdict(std::string_view map, uint32_t from) {
  LookupIn(map, from, 0);
  nftnl_expr_set_u32(expressions_.back().get(), NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
  return *this;
}

Rule& Rule::LookupValue(std::string_view map, uint32_t from, uint32_t to) {
  LookupIn(map, from, 0);
  nftnl_expr_set_u32(expressions_.back().get(), NFTNL_EXPR_LOOKUP_DREG, KernelRegister(to));
  return *this;
}

Rule& Rule::Counter() {
  Add("counter");
  return *this;
}

Rule& Rule::LimitPerSecond(uint64_t per_second, uint32_t burst) {
  nftnl_expr* limit = Add("limit");
  nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, per_second);
  nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, burst);
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
  return *this;
}

Rule& Rule::Log(uint16_t group, std::string_view prefix) {
  nftnl_expr* log = Add("log");
  nftnl_expr_set_u16(log, NFTNL_EXPR_LOG_GROUP, group);
  nftnl_expr_set_str(log, NFTNL_EXPR_LOG_PREFIX, std::string(prefix).c_str());
  return *this;
}

Rule& Rule::Decide(const Verdict& verdict) {
  nftnl_expr* immediate = Add("immediate");
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(verdict.code));
  if (!verdict.chain.empty()) {
    nftnl_expr_set_str(immediate, NFTNL_EXPR_IMM_CHAIN, verdict.chain.c_str());
  }
  return *this;
}

Rule& Rule::Masquerade() {
  Add("masq");
  return *this;
}

// With all that the kernel adds by itself, so that Text() is as it tells the rule.
Rule& Rule::DestinationNat(uint32_t family, uint32_t address_from, uint32_t port_from) {
  constexpr uint32_t kAddressAndPort = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED;
  nftnl_expr* nat = Add("nat");
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, family);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, KernelRegister(address_from));
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MAX, KernelRegister(address_from));
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, KernelRegister(port_from));
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MAX, KernelRegister(port_from));
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FLAGS, kAddressAndPort);
  return *this;
}

Rule& Rule::SetMark(uint32_t from) {
  nftnl_expr* meta = Add("meta");
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_MARK);
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_SREG, KernelRegister(from));
  return *this;
}

Rule& Rule::Comment(std::string_view comment) {
  comment_ = comment;
  return *this;
}

std::string Rule::Text() const {
  std::string text;
  for (const auto& expression : expressions_) text += TextOf(expression.get());
  return text;
}

std::string TextOf(const nftnl_expr* expression) {
  std::array<char, 512> line{};  // the longest is a comparison of sixteen bytes, or a set's name
  nftnl_expr_snprintf(line.data(), line.size(), expression, NFTNL_OUTPUT_DEFAULT, 0);
  return fmt::format("{} {}\n", nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), line.data());
}

}  // namespace trivet::nft
