#include "common/linux/nftables.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/linux/nftables_socket.h"

namespace trivet::nft {
namespace {

// A message's attributes have 16-bit lengths: elements go in portions that stay well below that.
constexpr size_t kElementsPerMessage = 128;
constexpr size_t kMessageBytes = size_t{128} << 10;
constexpr size_t kMaxCommentBytes = 127;
constexpr size_t kMaxElementCommentBytes = 250;  // of 256, with the header and the closing NUL
constexpr uint32_t kTypeBits = 6;  // of one field in a concatenation's type, as nft packs them

template <class T, void (*Free)(const T*)>
struct Freer {
  void operator()(const T* object) const { Free(object); }
};
using TableObject = std::unique_ptr<nftnl_table, Freer<nftnl_table, nftnl_table_free>>;
using ChainObject = std::unique_ptr<nftnl_chain, Freer<nftnl_chain, nftnl_chain_free>>;
using RuleObject = std::unique_ptr<nftnl_rule, Freer<nftnl_rule, nftnl_rule_free>>;
using SetObject = std::unique_ptr<nftnl_set, Freer<nftnl_set, nftnl_set_free>>;

// An allocation of libnftnl that fails means no memory, which this project does not handle.
template <class T>
T* Own(T* allocated) {
  if (allocated == nullptr) std::abort();
  return allocated;
}

uint32_t FieldBytes(Type type) {
  switch (type) {
    case Type::kIpv6Address:
    case Type::kInterfaceName:
      return 16;
    case Type::kEtherAddress:
      return 6;
    case Type::kProtocol:
      return 1;
    case Type::kService:
      return 2;
    case Type::kIpv4Address:
    case Type::kMark:
      return 4;
  }
  return 4;
}

uint32_t TypeOf(const std::vector<Type>& fields) {
  uint32_t type = 0;
  for (const Type field : fields) type = type << kTypeBits | static_cast<uint32_t>(field);
  return type;
}

uint32_t BytesOf(const std::vector<Type>& fields) {
  if (fields.size() == 1) return FieldBytes(fields.front());
  uint32_t bytes = 0;
  for (const Type field : fields) bytes += (FieldBytes(field) + 3) / 4 * 4;
  return bytes;
}

// nft keeps comments as user data that only programs read.
template <class Put>
void PutComment(uint8_t type, std::string_view comment, Put put,
                size_t max_bytes = kMaxCommentBytes) {
  if (comment.empty()) return;
  const std::string text(comment.substr(0, max_bytes));
  nftnl_udata_buf* data = Own(nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN));
  nftnl_udata_put_strz(data, type, text.c_str());
  put(nftnl_udata_buf_data(data), nftnl_udata_buf_len(data));
  nftnl_udata_buf_free(data);
}

// The key after `key`, as a big-endian number; nothing after the last one.
std::optional<Bytes> Next(Bytes key) {
  for (auto byte = key.rbegin(); byte != key.rend(); ++byte) {
    *byte = static_cast<char>(static_cast<unsigned char>(*byte) + 1);
    if (*byte != 0) return key;
  }
  return std::nullopt;
}

nftnl_set_elem* NewElement(const Bytes& key, uint32_t flags) {
  nftnl_set_elem* element = Own(nftnl_set_elem_alloc());
  nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key.data(), static_cast<uint32_t>(key.size()));
  if (flags != 0) nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_FLAGS, flags);
  return element;
}

// A range is two elements: its first key, and the key after its last with an end flag. The range
// that goes up to the very last key has no end.
void AppendElement(nftnl_set* object, const Set& set, const Element& element) {
  nftnl_set_elem* start = NewElement(element.key, 0);
  if (element.verdict) {
    nftnl_set_elem_set_u32(start, NFTNL_SET_ELEM_VERDICT,
                           static_cast<uint32_t>(element.verdict->code));
    if (!element.verdict->chain.empty()) {
      nftnl_set_elem_set_str(start, NFTNL_SET_ELEM_CHAIN, element.verdict->chain.c_str());
    }
  }
  if (!element.value.empty()) {
    nftnl_set_elem_set(start, NFTNL_SET_ELEM_DATA, element.value.data(),
                       static_cast<uint32_t>(element.value.size()));
  }
  const auto put = [&](const void* data, uint32_t bytes) {
    nftnl_set_elem_set(start, NFTNL_SET_ELEM_USERDATA, data, bytes);
  };
  PutComment(NFTNL_UDATA_SET_ELEM_COMMENT, element.comment, put, kMaxElementCommentBytes);
  nftnl_set_elem_add(object, start);
  if (!set.intervals) return;
  const auto end = Next(element.last.empty() ? element.key : element.last);
  if (end) nftnl_set_elem_add(object, NewElement(*end, NFT_SET_ELEM_INTERVAL_END));
}

SetObject NewSetObject(const Table& table, const std::string& name) {
  SetObject object(Own(nftnl_set_alloc()));
  nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, table.name.c_str());
  nftnl_set_set_str(object.get(), NFTNL_SET_NAME, name.c_str());
  nftnl_set_set_u32(object.get(), NFTNL_SET_FAMILY, table.family);
  return object;
}

uint16_t CreateFlags(Existing existing) {
  return static_cast<uint16_t>(NLM_F_CREATE | (existing == Existing::kIsError ? NLM_F_EXCL : 0));
}

}  // namespace

void Concat(Bytes& key, std::string_view field) {
  key.append(field);
  key.resize((key.size() + 3) / 4 * 4);
}

Bytes InterfaceKey(std::string_view name) {
  Bytes key(name);
  key.resize(FieldBytes(Type::kInterfaceName), '\0');
  return key;
}

// A message under construction in the scratch buffer; its sequence number is its operation's index.
class Transaction::Message {
 public:
  Message(Transaction& transaction, uint16_t type, uint16_t flags)
      : header_(nftnl_nlmsg_build_hdr(transaction.scratch_.get(), type, transaction.table_.family,
                                      flags,
                                      static_cast<uint32_t>(transaction.operations_.size()))) {}
  [[nodiscard]] nlmsghdr* header() const { return header_; }

 private:
  nlmsghdr* header_;
};

// Uninitialised, as libmnl leaves nothing unwritten: only the pages that messages take are touched.
Transaction::Transaction(Table table)
    : table_(std::move(table)), scratch_(std::make_unique_for_overwrite<char[]>(kMessageBytes)) {}
Transaction::~Transaction() = default;
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;

void Transaction::Append(Message& message, std::string operation) {
  const auto* bytes = reinterpret_cast<const char*>(message.header());
  batch_.insert(batch_.end(), bytes, bytes + message.header()->nlmsg_len);
  operations_.push_back(fmt::format("{} table {}", operation, table_.name));
}

void Transaction::AddTable(Existing existing) {
  const TableObject object(Own(nftnl_table_alloc()));
  nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, table_.name.c_str());
  Message message(*this, NFT_MSG_NEWTABLE, CreateFlags(existing));
  nftnl_table_nlmsg_build_payload(message.header(), object.get());
  Append(message, "add");
}

void Transaction::DeleteTable() {
  const TableObject object(Own(nftnl_table_alloc()));
  nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, table_.name.c_str());
  Message message(*this, NFT_MSG_DELTABLE, 0);
  nftnl_table_nlmsg_build_payload(message.header(), object.get());
  Append(message, "delete");
}

void Transaction::ResetTable() {
  AddTable(Existing::kIsKept);  // so that the deletion never fails
  DeleteTable();
  AddTable();
}

void Transaction::AddChain(const Chain& chain, Existing existing) {
  const ChainObject object(Own(nftnl_chain_alloc()));
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, table_.name.c_str());
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, chain.name.c_str());
  if (chain.hook) {
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, chain.hook->type.c_str());
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, chain.hook->number);
    nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, chain.hook->priority);
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY, chain.hook->drop ? NF_DROP : NF_ACCEPT);
  }
  PutComment(NFTNL_UDATA_CHAIN_COMMENT, chain.comment, [&](const void* data, uint32_t bytes) {
    nftnl_chain_set_data(object.get(), NFTNL_CHAIN_USERDATA, data, bytes);
  });
  Message message(*this, NFT_MSG_NEWCHAIN, CreateFlags(existing));
  nftnl_chain_nlmsg_build_payload(message.header(), object.get());
  Append(message, fmt::format("add chain {} to", chain.name));
}

void Transaction::DeleteChain(std::string_view chain) {
  const ChainObject object(Own(nftnl_chain_alloc()));
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, table_.name.c_str());
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, std::string(chain).c_str());
  Message message(*this, NFT_MSG_DELCHAIN, 0);
  nftnl_chain_nlmsg_build_payload(message.header(), object.get());
  Append(message, fmt::format("delete chain {} of", chain));
}

void Transaction::FlushChain(std::string_view chain) {
  const RuleObject object(Own(nftnl_rule_alloc()));
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, table_.name.c_str());
  nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, std::string(chain).c_str());
  Message message(*this, NFT_MSG_DELRULE, 0);
  nftnl_rule_nlmsg_build_payload(message.header(), object.get());
  Append(message, fmt::format("flush chain {} of", chain));
}

void Transaction::AddRule(std::string_view chain, const Rule& rule) {
  const RuleObject object(Own(nftnl_rule_alloc()));
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, table_.name.c_str());
  nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, std::string(chain).c_str());
  for (const auto& expression : rule.expressions_) {
    nftnl_rule_add_expr(object.get(), expression.get());
  }
  PutComment(NFTNL_UDATA_RULE_COMMENT, rule.comment_, [&](const void* data, uint32_t bytes) {
    nftnl_rule_set_data(object.get(), NFTNL_RULE_USERDATA, data, bytes);
  });
  Message message(*this, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  nftnl_rule_nlmsg_build_payload(message.header(), object.get());
  for (const auto& expression : rule.expressions_) {
    nftnl_rule_del_expr(expression.get());  // it stays the Rule's own
  }
  Append(message, fmt::format("add rule to chain {} of", chain));
}

void Transaction::AddSet(const Set& set, Existing existing) {
  const SetObject object = NewSetObject(table_, set.name);
  const bool map = set.verdicts || !set.value.empty();
  const uint32_t flags =
      (set.intervals ? uint32_t{NFT_SET_INTERVAL} : 0) | (map ? uint32_t{NFT_SET_MAP} : 0);
  nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, flags);
  nftnl_set_set_u32(object.get(), NFTNL_SET_ID, next_set_id_++);
  nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, TypeOf(set.key));
  nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN, BytesOf(set.key));
  if (set.verdicts) {
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_LEN, sizeof(uint32_t));
  } else if (map) {
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_TYPE, TypeOf(set.value));
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_LEN, BytesOf(set.value));
  }
  PutComment(NFTNL_UDATA_SET_COMMENT, set.comment, [&](const void* data, uint32_t bytes) {
    nftnl_set_set_data(object.get(), NFTNL_SET_USERDATA, data, bytes);
  });
  Message message(*this, NFT_MSG_NEWSET, CreateFlags(existing));
  nftnl_set_nlmsg_build_payload(message.header(), object.get());
  Append(message, fmt::format("add set {} to", set.name));
}

void Transaction::DeleteSet(std::string_view set) {
  AppendSetDeletion(set, 0, "set");
}

void Transaction::DeleteEmptySet(std::string_view set) {
  AppendSetDeletion(set, NLM_F_NONREC, "empty set");
}

void Transaction::AppendSetDeletion(std::string_view set, uint16_t flags, std::string_view kind) {
  const SetObject object = NewSetObject(table_, std::string(set));
  Message message(*this, NFT_MSG_DELSET, flags);
  nftnl_set_nlmsg_build_payload(message.header(), object.get());
  Append(message, fmt::format("delete {} {} of", kind, set));
}

void Transaction::ChangeElements(const Set& set, std::span<const Element> elements, bool add,
                                 uint16_t flags) {
  while (!elements.empty()) {
    const auto portion = elements.first(std::min(elements.size(), kElementsPerMessage));
    elements = elements.subspan(portion.size());

    const SetObject object = NewSetObject(table_, set.name);
    for (const Element& element : portion) AppendElement(object.get(), set, element);
    Message message(*this, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, flags);
    nftnl_set_elems_nlmsg_build_payload(message.header(), object.get());
    Append(message,
           fmt::format("{} {} element{} {} set {} of", add ? "add" : "delete", portion.size(),
                       portion.size() == 1 ? "" : "s", add ? "to" : "from", set.name));
  }
}

void Transaction::AddElements(const Set& set, std::span<const Element> elements,
                              Existing existing) {
  ChangeElements(set, elements, true, CreateFlags(existing));
}

void Transaction::DeleteElements(const Set& set, std::span<const Element> elements) {
  ChangeElements(set, elements, false, 0);
}

void Transaction::EnsureNoElements(const Set& set, std::span<const Element> elements) {
  AddElements(set, elements, Existing::kIsKept);
  DeleteElements(set, elements);
}

Result<> Transaction::Commit() && {
  if (operations_.empty()) return {};
  ASSIGN_OR_RETURN(auto socket, NetfilterSocket::Open());
  return socket.Commit(batch_, operations_);
}

Result<> Transaction::CommitIfThere() && {
  auto done = std::move(*this).Commit();
  if (!done && done.error().code() == Code::kNotFound) return {};
  return done;
}

}  // namespace trivet::nft
