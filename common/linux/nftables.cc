#include "common/linux/nftables.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <utility>

#include "common/linux/nftables_message.h"
#include "common/linux/nftables_socket.h"

namespace trivet::nft {
namespace {

// A message's attributes have 16-bit lengths: elements go in portions that stay well below that.
constexpr size_t kElementsPerMessage = 128;
constexpr size_t kMaxCommentBytes = 127;
constexpr size_t kMaxElementCommentBytes = 250;  // of 256, with the header and the closing NUL
constexpr uint32_t kTypeBits = 6;  // of one field in a concatenation's type, as nft packs them

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

// The key after `key`, as a big-endian number; nothing after the last one.
std::optional<Bytes> Next(Bytes key) {
  for (auto byte = key.rbegin(); byte != key.rend(); ++byte) {
    *byte = static_cast<char>(static_cast<unsigned char>(*byte) + 1);
    if (*byte != 0) return key;
  }
  return std::nullopt;
}

// The elements of a message are numbered, from one.
class ElementList {
 public:
  explicit ElementList(netlink::Request& list) : list_(list) {}

  // A range is two elements: its first key, and the key after its last with an end flag. The range
  // that goes up to the very last key has no end.
  void Add(const Set& set, const Element& element) {
    list_.Nest(++number_, [&](netlink::Request& start) { PutStart(start, element); });
    if (!set.intervals) return;
    const auto end = Next(element.last.empty() ? element.key : element.last);
    if (!end) return;
    list_.Nest(++number_, [&](netlink::Request& one) {
      one.Big32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
      PutData(one, NFTA_SET_ELEM_KEY, *end);
    });
  }

 private:
  static void PutStart(netlink::Request& start, const Element& element) {
    PutData(start, NFTA_SET_ELEM_KEY, element.key);
    if (element.verdict) PutVerdict(start, NFTA_SET_ELEM_DATA, *element.verdict);
    if (!element.value.empty()) PutData(start, NFTA_SET_ELEM_DATA, element.value);
    PutComment(start, NFTA_SET_ELEM_USERDATA, element.comment, kMaxElementCommentBytes);
  }

  netlink::Request& list_;
  uint16_t number_ = 0;
};

void PutHook(netlink::Request& message, const Hook& hook) {
  message.Nest(NFTA_CHAIN_HOOK, [&](netlink::Request& nest) {
    nest.Big32(NFTA_HOOK_HOOKNUM, hook.number);
    nest.Big32(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(hook.priority));
  });
  message.Big32(NFTA_CHAIN_POLICY, hook.drop ? NF_DROP : NF_ACCEPT);
  message.String(NFTA_CHAIN_TYPE, hook.type);
}

void PutFields(netlink::Request& message, const Set& set) {
  message.Big32(NFTA_SET_KEY_TYPE, TypeOf(set.key));
  message.Big32(NFTA_SET_KEY_LEN, BytesOf(set.key));
  if (set.verdicts) {
    message.Big32(NFTA_SET_DATA_TYPE, static_cast<uint32_t>(NFT_DATA_VERDICT));
    message.Big32(NFTA_SET_DATA_LEN, sizeof(uint32_t));
  } else if (!set.value.empty()) {
    message.Big32(NFTA_SET_DATA_TYPE, TypeOf(set.value));
    message.Big32(NFTA_SET_DATA_LEN, BytesOf(set.value));
  }
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

netlink::Request Transaction::NewMessage(uint16_t type, uint16_t flags) const {
  return NetfilterMessage(NFNL_SUBSYS_NFTABLES, type, flags, table_.family);
}

// The sequence number of a message is its operation's index.
void Transaction::Append(const netlink::Request& message, std::string_view operation) {
  const auto bytes = message.Finished(static_cast<uint32_t>(operations_.size()));
  batch_.insert(batch_.end(), bytes.begin(), bytes.end());
  operations_.push_back(fmt::format("{} table {}", operation, table_.name));
}

void Transaction::AddTable(Existing existing) {
  auto message = NewMessage(NFT_MSG_NEWTABLE, CreateFlags(existing));
  Append(message.String(NFTA_TABLE_NAME, table_.name), "add");
}

void Transaction::DeleteTable() {
  auto message = NewMessage(NFT_MSG_DELTABLE, 0);
  Append(message.String(NFTA_TABLE_NAME, table_.name), "delete");
}

void Transaction::ResetTable() {
  AddTable(Existing::kIsKept);  // so that the deletion never fails
  DeleteTable();
  AddTable();
}

void Transaction::AddChain(const Chain& chain, Existing existing) {
  auto message = NewMessage(NFT_MSG_NEWCHAIN, CreateFlags(existing));
  message.String(NFTA_CHAIN_TABLE, table_.name).String(NFTA_CHAIN_NAME, chain.name);
  if (chain.hook) PutHook(message, *chain.hook);
  PutComment(message, NFTA_CHAIN_USERDATA, chain.comment, kMaxCommentBytes);
  Append(message, fmt::format("add chain {} to", chain.name));
}

void Transaction::DeleteChain(std::string_view chain) {
  auto message = NewMessage(NFT_MSG_DELCHAIN, 0);
  message.String(NFTA_CHAIN_TABLE, table_.name).String(NFTA_CHAIN_NAME, chain);
  Append(message, fmt::format("delete chain {} of", chain));
}

void Transaction::FlushChain(std::string_view chain) {
  auto message = NewMessage(NFT_MSG_DELRULE, 0);
  message.String(NFTA_RULE_TABLE, table_.name).String(NFTA_RULE_CHAIN, chain);
  Append(message, fmt::format("flush chain {} of", chain));
}

void Transaction::AddRule(std::string_view chain, const Rule& rule) {
  auto message = NewMessage(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  message.String(NFTA_RULE_TABLE, table_.name).String(NFTA_RULE_CHAIN, chain);
  PutComment(message, NFTA_RULE_USERDATA, rule.comment_, kMaxCommentBytes);
  message.Nest(NFTA_RULE_EXPRESSIONS,
               [&](netlink::Request& list) { list.Fragment(rule.expressions_); });
  Append(message, fmt::format("add rule to chain {} of", chain));
}

void Transaction::AddSet(const Set& set, Existing existing) {
  const bool map = set.verdicts || !set.value.empty();
  auto message = NewMessage(NFT_MSG_NEWSET, CreateFlags(existing));
  message.String(NFTA_SET_TABLE, table_.name).String(NFTA_SET_NAME, set.name);
  message.Big32(NFTA_SET_FLAGS, (set.intervals ? uint32_t{NFT_SET_INTERVAL} : 0) |
                                    (map ? uint32_t{NFT_SET_MAP} : 0));
  PutFields(message, set);
  message.Big32(NFTA_SET_ID, next_set_id_++);
  PutComment(message, NFTA_SET_USERDATA, set.comment, kMaxCommentBytes, kSetCommentField);
  Append(message, fmt::format("add set {} to", set.name));
}

void Transaction::DeleteSet(std::string_view set) {
  AppendSetDeletion(set, 0, "set");
}

void Transaction::DeleteEmptySet(std::string_view set) {
  AppendSetDeletion(set, NLM_F_NONREC, "empty set");
}

void Transaction::AppendSetDeletion(std::string_view set, uint16_t flags, std::string_view kind) {
  auto message = NewMessage(NFT_MSG_DELSET, flags);
  message.String(NFTA_SET_TABLE, table_.name).String(NFTA_SET_NAME, set);
  Append(message, fmt::format("delete {} {} of", kind, set));
}

void Transaction::ChangeElements(const Set& set, std::span<const Element> elements, bool add,
                                 uint16_t flags) {
  while (!elements.empty()) {
    const auto portion = elements.first(std::min(elements.size(), kElementsPerMessage));
    elements = elements.subspan(portion.size());

    auto message = NewMessage(add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, flags);
    message.String(NFTA_SET_ELEM_LIST_SET, set.name);
    message.String(NFTA_SET_ELEM_LIST_TABLE, table_.name);
    message.Nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&](netlink::Request& nest) {
      ElementList list(nest);
      for (const Element& element : portion) list.Add(set, element);
    });
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
