#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <set>

#include "common/linux/nftables.h"
#include "common/linux/nftables_message.h"
#include "common/linux/nftables_socket.h"

namespace trivet::nft {
namespace {

constexpr int kAttempts = 16;

using netlink::Attributes;
using netlink::Request;

// Repeated while others change tables meanwhile; `restart` forgets what was collected.
Result<> DumpStable(const Request& request, const std::function<void()>& restart,
                    const NetfilterSocket::Visit& visit, const std::string& what) {
  for (int attempt = 1;; ++attempt) {
    restart();
    ASSIGN_OR_RETURN(auto socket, NetfilterSocket::Open(), what);
    auto dumped = socket.Ask(request, visit, what);
    if (dumped || dumped.error().code() != Code::kAborted || attempt == kAttempts) return dumped;
  }
}

Request ReadRequest(const Table& table, uint16_t type, uint16_t flags) {
  return NetfilterMessage(NFNL_SUBSYS_NFTABLES, type, flags, table.family);
}

struct ReadElement {
  Element element;
  bool is_end = false;
};

ReadElement ReadOne(const Attributes& attributes) {
  ReadElement read;
  read.element.key = AsBytes(attributes.Nest(NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
  const Attributes data = attributes.Nest(NFTA_SET_ELEM_DATA);
  const Attributes verdict = data.Nest(NFTA_DATA_VERDICT);
  if (const auto code = verdict.Big32(NFTA_VERDICT_CODE)) {
    read.element.verdict = Verdict{static_cast<int32_t>(*code), verdict.String(NFTA_VERDICT_CHAIN)};
  }
  read.element.value = AsBytes(data, NFTA_DATA_VALUE);
  read.element.comment = ReadComment(AsBytes(attributes, NFTA_SET_ELEM_USERDATA));
  const uint32_t flags = attributes.Big32(NFTA_SET_ELEM_FLAGS).value_or(0);
  read.is_end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0;
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

void CollectElements(const Attributes& message, std::vector<ReadElement>& out) {
  const Attributes list = message.Nest(NFTA_SET_ELEM_LIST_ELEMENTS);
  for (const auto& [type, value] : list.all()) out.push_back(ReadOne(Attributes(value.bytes())));
}

std::optional<Hook> ReadHook(const Attributes& chain) {
  const Attributes hook = chain.Nest(NFTA_CHAIN_HOOK);
  const auto number = hook.Big32(NFTA_HOOK_HOOKNUM);
  if (!number) return std::nullopt;
  return Hook{.type = chain.String(NFTA_CHAIN_TYPE),
              .number = *number,
              .priority = static_cast<int32_t>(hook.Big32(NFTA_HOOK_PRIORITY).value_or(0)),
              .drop = chain.Big32(NFTA_CHAIN_POLICY) == NF_DROP};
}

}  // namespace

Result<std::vector<Element>> ReadElements(const Table& table, const Set& set) {
  std::vector<ReadElement> read;
  Request request = ReadRequest(table, NFT_MSG_GETSETELEM, NLM_F_DUMP);
  request.String(NFTA_SET_ELEM_LIST_TABLE, table.name);
  request.String(NFTA_SET_ELEM_LIST_SET, set.name);
  RETURN_IF_ERROR(DumpStable(
      request, [&] { read.clear(); }, [&](const Attributes& m) { CollectElements(m, read); },
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
  Request request = ReadRequest(table, NFT_MSG_GETSETELEM, NLM_F_ACK);
  request.String(NFTA_SET_ELEM_LIST_TABLE, table.name);
  request.String(NFTA_SET_ELEM_LIST_SET, set.name);
  request.Nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&](Request& list) {
    list.Nest(NFTA_LIST_ELEM, [&](Request& element) { PutData(element, NFTA_SET_ELEM_KEY, key); });
  });
  ASSIGN_OR_RETURN(auto socket, NetfilterSocket::Open(), what);
  std::vector<ReadElement> read;
  auto asked = socket.Ask(request, [&](const Attributes& m) { CollectElements(m, read); }, what);
  if (!asked && asked.error().code() == Code::kNotFound) return std::nullopt;
  RETURN_IF_ERROR(asked);
  if (read.empty()) return std::nullopt;
  return std::move(read.front().element);
}

Result<std::vector<std::string>> ReadSetNames(const Table& table) {
  std::set<std::string> names;
  Request request = ReadRequest(table, NFT_MSG_GETSET, NLM_F_DUMP);
  request.String(NFTA_SET_TABLE, table.name);
  RETURN_IF_ERROR(DumpStable(
      request, [&] { names.clear(); },
      [&](const Attributes& set) { names.insert(set.String(NFTA_SET_NAME)); },
      fmt::format("read sets of table {}", table.name)));
  return std::vector<std::string>(names.begin(), names.end());
}

Result<RuleTexts> ReadRules(const Table& table, const std::string& chain) {
  RuleTexts rules;
  Request request = ReadRequest(table, NFT_MSG_GETRULE, NLM_F_DUMP);
  request.String(NFTA_RULE_TABLE, table.name);
  if (!chain.empty()) request.String(NFTA_RULE_CHAIN, chain);
  auto collect = [&](const Attributes& rule) {
    rules[rule.String(NFTA_RULE_CHAIN)].push_back(
        TextOfExpressions(rule.Nest(NFTA_RULE_EXPRESSIONS)));
  };
  RETURN_IF_ERROR(DumpStable(
      request, [&] { rules.clear(); }, collect, fmt::format("read rules of table {}", table.name)));
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
  Request request = ReadRequest(table, NFT_MSG_GETCHAIN, NLM_F_ACK);
  request.String(NFTA_CHAIN_TABLE, table.name).String(NFTA_CHAIN_NAME, name);
  ASSIGN_OR_RETURN(auto socket, NetfilterSocket::Open(), what);
  std::optional<Chain> chain;
  auto read = [&](const Attributes& m) {
    chain = Chain{.name = name, .hook = ReadHook(m), .comment = {}};
  };
  auto asked = socket.Ask(request, read, what);
  if (!asked && asked.error().code() == Code::kNotFound) return std::nullopt;
  RETURN_IF_ERROR(asked);
  return chain;
}

}  // namespace trivet::nft
