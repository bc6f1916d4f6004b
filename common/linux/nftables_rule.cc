#include "common/linux/nftables_rule.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdlib>

namespace trivet::nft {
namespace {

// Register 0 of ours is the kernel's first one of four bytes.
uint32_t KernelRegister(uint32_t number) {
  return NFT_REG32_00 + number;
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
  if (flags != 0) nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, flags);
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

Rule& Rule::DestinationNat(uint32_t family, uint32_t address_from, uint32_t port_from) {
  nftnl_expr* nat = Add("nat");
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, family);
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, KernelRegister(address_from));
  nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, KernelRegister(port_from));
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

}  // namespace trivet::nft
