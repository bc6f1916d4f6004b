#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "common/linux/nftables.h"
#include "common/linux/nftables_socket.h"

namespace trivet::nft {
namespace {

constexpr int kAttempts = 16;
constexpr size_t kRequestBytes = 4096;

// Repeated while others change tables meanwhile; `restart` forgets what was collected.
Result<> DumpStable(const std::function<nlmsghdr*(char*)>& build,
                    const std::function<void()>& restart,
                    const std::function<void(const nlmsghdr*)>& visit, const std::string& what) {
  for (int attempt = 1;; ++attempt) {
    restart();
    ASSIGN_OR_RETURN(auto socket, NetfilterSocket::Open(), what);
    std::array<char, kRequestBytes> buffer{};
    auto dumped = socket.Ask(build(buffer.data()), visit, what);
    if (dumped || dumped.error().code() != Code::kAborted || attempt == kAttempts) return dumped;
  }
}

struct ReadElement {
  Element element;
  bool is_end = false;
};

// What nft's own parser takes as a comment: a string with its closing NUL.
std::string ReadComment(const char* data, uint32_t bytes) {
  std::string comment;
  auto visit = [](const nftnl_udata* attribute, void* out) {
    const uint8_t length = nftnl_udata_len(attribute);
    if (nftnl_udata_type(attribute) == NFTNL_UDATA_SET_ELEM_COMMENT && length > 0) {
      static_cast<std::string*>(out)->assign(static_cast<const char*>(nftnl_udata_get(attribute)),
                                             length - size_t{1});
    }
    return 0;
  };
  nftnl_udata_parse(data, bytes, visit, &comment);
  return comment;
}

ReadElement ReadOne(nftnl_set_elem* raw) {
  ReadElement read;
  uint32_t bytes = 0;
  const auto* key = static_cast<const char*>(nftnl_set_elem_get(raw, NFTNL_SET_ELEM_KEY, &bytes));
  if (key != nullptr) read.element.key.assign(key, bytes);
  if (nftnl_set_elem_is_set(raw, NFTNL_SET_ELEM_VERDICT)) {
    const char* chain = nftnl_set_elem_get_str(raw, NFTNL_SET_ELEM_CHAIN);
    read.element.verdict =
        Verdict{static_cast<int32_t>(nftnl_set_elem_get_u32(raw, NFTNL_SET_ELEM_VERDICT)),
                chain == nullptr ? "" : chain};
  }
  if (nftnl_set_elem_is_set(raw, NFTNL_SET_ELEM_DATA)) {
    const auto* value =
        static_cast<const char*>(nftnl_set_elem_get(raw, NFTNL_SET_ELEM_DATA, &bytes));
    read.element.value.assign(value, bytes);
  }
  if (nftnl_set_elem_is_set(raw, NFTNL_SET_ELEM_USERDATA)) {
    const auto* data =
        static_cast<const char*>(nftnl_set_elem_get(raw, NFTNL_SET_ELEM_USERDATA, &bytes));
    read.element.comment = ReadComment(data, bytes);
  }
  read.is_end = nftnl_set_elem_is_set(raw, NFTNL_SET_ELEM_FLAGS) &&
                (nftnl_set_elem_get_u32(raw, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END);
  return read;
}

Bytes Previous(Bytes key) {
  for (auto byte = key.rbegin(); byte != key.rend(); ++byte) {
    const bool borrow = *byte == 0;
    *byte = static_cast<char>(static_cast<unsigned char>(*byte) - 1);
    if (!borrow) break;
  }
  return key;
}

// Starts and ends, in key order, to ranges; the range without an end goes up to the last key.
std::vector<Element> JoinRanges(std::vector<ReadElement> read) {
  std::sort(read.begin(), read.end(), [](const ReadElement& a, const ReadElement& b) {
    return std::pair(a.element.key, !a.is_end) < std::pair(b.element.key, !b.is_end);
  });
  std::vector<Element> ranges;
  bool open = false;
  for (ReadElement& one : read) {
    if (!one.is_end) {
      ranges.push_back(std::move(one.element));
      open = true;
    } else if (open) {
      ranges.back().last = Previous(one.element.key);
      open = false;
    }
  }
  if (open) ranges.back().last = Bytes(ranges.back().key.size(), '\xff');
  return ranges;
}

std::vector<Element> Sorted(std::vector<ReadElement> read) {
  std::vector<Element> elements;
  elements.reserve(read.size());
  for (ReadElement& one : read) elements.push_back(std::move(one.element));
  std::sort(elements.begin(), elements.end());
  return elements;
}

void CollectElements(const nlmsghdr* message, std::vector<ReadElement>& out) {
  nftnl_set* object = nftnl_set_alloc();
  if (object == nullptr) return;
  if (nftnl_set_elems_nlmsg_parse(message, object) == 0) {
    auto visit = [](nftnl_set_elem* raw, void* data) {
      static_cast<std::vector<ReadElement>*>(data)->push_back(ReadOne(raw));
      return 0;
    };
    nftnl_set_elem_foreach(object, visit, &out);
  }
  nftnl_set_free(object);
}

void CollectRule(const nlmsghdr* message, RuleTexts& out) {
  nftnl_rule* object = nftnl_rule_alloc();
  if (object == nullptr) return;
  if (nftnl_rule_nlmsg_parse(message, object) == 0) {
    std::string text;
    auto visit = [](nftnl_expr* expression, void* data) {
      static_cast<std::string*>(data)->append(TextOf(expression));
      return 0;
    };
    nftnl_expr_foreach(object, visit, &text);
    out[nftnl_rule_get_str(object, NFTNL_RULE_CHAIN)].push_back(std::move(text));
  }
  nftnl_rule_free(object);
}

std::optional<Chain> ReadChain(const nlmsghdr* message, const std::string& name) {
  nftnl_chain* object = nftnl_chain_alloc();
  if (object == nullptr) return std::nullopt;
  Chain chain{.name = name, .hook = {}, .comment = {}};
  const bool parsed = nftnl_chain_nlmsg_parse(message, object) == 0;
  if (parsed && nftnl_chain_is_set(object, NFTNL_CHAIN_HOOKNUM)) {
    chain.hook = Hook{.type = nftnl_chain_get_str(object, NFTNL_CHAIN_TYPE),
                      .number = nftnl_chain_get_u32(object, NFTNL_CHAIN_HOOKNUM),
                      .priority = nftnl_chain_get_s32(object, NFTNL_CHAIN_PRIO),
                      .drop = nftnl_chain_get_u32(object, NFTNL_CHAIN_POLICY) == NF_DROP};
  }
  nftnl_chain_free(object);
  return parsed ? std::optional(std::move(chain)) : std::nullopt;
}

}  // namespace

Result<std::vector<Element>> ReadElements(const Table& table, const Set& set) {
  std::vector<ReadElement> read;
  auto build = [&](char* buffer) {
    nlmsghdr* request =
        nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, table.family, NLM_F_DUMP, 0);
    mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, table.name.c_str());
    mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set.name.c_str());
    return request;
  };
  RETURN_IF_ERROR(DumpStable(
      build, [&] { read.clear(); }, [&](const nlmsghdr* m) { CollectElements(m, read); },
      fmt::format("read set {} of table {}", set.name, table.name)));
  return set.intervals ? JoinRanges(std::move(read)) : Sorted(std::move(read));
}

Result<std::vector<Element>> ReadElementsIfThere(const Table& table, const Set& set) {
  auto elements = ReadElements(table, set);
  if (!elements && elements.error().code() == Code::kNotFound) return std::vector<Element>();
  return elements;
}

Result<std::optional<Element>> FindElement(const Table& table, const Set& set, const Bytes& key) {
  const std::string what =
      fmt::format("find an element of set {} of table {}", set.name, table.name);
  std::array<char, kRequestBytes> buffer{};
  nlmsghdr* request =
      nftnl_nlmsg_build_hdr(buffer.data(), NFT_MSG_GETSETELEM, table.family, NLM_F_ACK, 0);
  mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, table.name.c_str());
  mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set.name.c_str());
  nlattr* list = mnl_attr_nest_start(request, NFTA_SET_ELEM_LIST_ELEMENTS);
  nlattr* element = mnl_attr_nest_start(request, NFTA_LIST_ELEM);
  nlattr* data = mnl_attr_nest_start(request, NFTA_SET_ELEM_KEY);
  mnl_attr_put(request, NFTA_DATA_VALUE, key.size(), key.data());
  mnl_attr_nest_end(request, data);
  mnl_attr_nest_end(request, element);
  mnl_attr_nest_end(request, list);

  ASSIGN_OR_RETURN(auto socket, NetfilterSocket::Open(), what);
  std::vector<ReadElement> read;
  auto asked = socket.Ask(request, [&](const nlmsghdr* m) { CollectElements(m, read); }, what);
  if (!asked && asked.error().code() == Code::kNotFound) return std::nullopt;
  RETURN_IF_ERROR(asked);
  if (read.empty()) return std::nullopt;
  return std::move(read.front().element);
}

Result<std::vector<std::string>> ReadSetNames(const Table& table) {
  std::set<std::string> names;
  auto build = [&](char* buffer) {
    nlmsghdr* request = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSET, table.family, NLM_F_DUMP, 0);
    mnl_attr_put_strz(request, NFTA_SET_TABLE, table.name.c_str());
    return request;
  };
  auto visit = [&](const nlmsghdr* message) {
    nftnl_set* object = nftnl_set_alloc();
    if (object == nullptr) return;
    if (nftnl_set_nlmsg_parse(message, object) == 0) {
      names.insert(nftnl_set_get_str(object, NFTNL_SET_NAME));
    }
    nftnl_set_free(object);
  };
  RETURN_IF_ERROR(DumpStable(
      build, [&] { names.clear(); }, visit, fmt::format("read sets of table {}", table.name)));
  return std::vector<std::string>(names.begin(), names.end());
}

Result<RuleTexts> ReadRules(const Table& table, const std::string& chain) {
  RuleTexts rules;
  auto build = [&](char* buffer) {
    nlmsghdr* request = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETRULE, table.family, NLM_F_DUMP, 0);
    mnl_attr_put_strz(request, NFTA_RULE_TABLE, table.name.c_str());
    if (!chain.empty()) mnl_attr_put_strz(request, NFTA_RULE_CHAIN, chain.c_str());
    return request;
  };
  RETURN_IF_ERROR(DumpStable(
      build, [&] { rules.clear(); }, [&](const nlmsghdr* m) { CollectRule(m, rules); },
      fmt::format("read rules of table {}", table.name)));
  return rules;
}

Result<std::map<std::string, size_t>> ReadRuleCounts(const Table& table) {
  ASSIGN_OR_RETURN(const RuleTexts rules, ReadRules(table, {}));
  std::map<std::string, size_t> counts;
  for (const auto& [chain, texts] : rules) counts[chain] = texts.size();
  return counts;
}

Result<std::optional<Chain>> FindChain(const Table& table, const std::string& name) {
  const std::string what = fmt::format("find chain {} of table {}", name, table.name);
  std::array<char, kRequestBytes> buffer{};
  nlmsghdr* request =
      nftnl_nlmsg_build_hdr(buffer.data(), NFT_MSG_GETCHAIN, table.family, NLM_F_ACK, 0);
  mnl_attr_put_strz(request, NFTA_CHAIN_TABLE, table.name.c_str());
  mnl_attr_put_strz(request, NFTA_CHAIN_NAME, name.c_str());
  ASSIGN_OR_RETURN(auto socket, NetfilterSocket::Open(), what);
  std::optional<Chain> chain;
  auto asked = socket.Ask(request, [&](const nlmsghdr* m) { chain = ReadChain(m, name); }, what);
  if (!asked && asked.error().code() == Code::kNotFound) return std::nullopt;
  RETURN_IF_ERROR(asked);
  return chain;
}

}  // namespace trivet::nft
