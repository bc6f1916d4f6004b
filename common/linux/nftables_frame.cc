#include "common/linux/nftables_frame.h"

#include <algorithm>

namespace trivet::nft {
namespace {

Result<bool> Stands(const Frame& frame) {
  const bool one = frame.chains.size() == 1;
  ASSIGN_OR_RETURN(const RuleTexts rules,
                   ReadRules(frame.table, one ? frame.chains.front().chain.name : std::string()));
  for (const FilledChain& wanted : frame.chains) {
    if (!HasRules(wanted, rules)) return false;
    if (!wanted.chain.hook && !wanted.rules.empty()) continue;  // there, and jumped to
    ASSIGN_OR_RETURN(const auto chain, FindChain(frame.table, wanted.chain.name));
    if (!chain || chain->hook != wanted.chain.hook) return false;
  }
  return true;
}

// The chains first: rules jump to them.
void Make(const Frame& frame, Transaction& transaction) {
  transaction.AddTable(Existing::kIsKept);
  for (const Set& set : frame.sets) transaction.AddSet(set, Existing::kIsKept);
  for (const FilledChain& filled : frame.chains) {
    transaction.AddChain(filled.chain, Existing::kIsKept);
    transaction.FlushChain(filled.chain.name);
  }
  for (const FilledChain& filled : frame.chains) {
    for (const Rule& rule : filled.rules) transaction.AddRule(filled.chain.name, rule);
  }
}

}  // namespace

bool HasRules(const FilledChain& wanted, const RuleTexts& there) {
  const auto found = there.find(wanted.chain.name);
  if (found == there.end()) return wanted.rules.empty();
  return std::equal(wanted.rules.begin(), wanted.rules.end(), found->second.begin(),
                    found->second.end(),
                    [](const Rule& rule, const std::string& text) { return rule.Text() == text; });
}

Result<> CommitWithin(const Frame& frame, const std::function<void(Transaction&)>& fill) {
  // What cannot be read, as others change it all the while, is made anew.
  if (Stands(frame).value_or(false)) {
    Transaction elements(frame.table);
    fill(elements);
    auto done = std::move(elements).Commit();
    if (done || done.error().code() != Code::kNotFound) return done;  // it went meanwhile
  }
  Transaction whole(frame.table);
  Make(frame, whole);
  fill(whole);
  return std::move(whole).Commit();
}

Result<> DeleteTableIfEmpty(const Table& table, const std::vector<Set>& sets) {
  for (const Set& set : sets) {
    ASSIGN_OR_RETURN(const auto left, ReadElementsIfThere(table, set));
    if (!left.empty()) return {};
  }
  Transaction last(table);
  last.DeleteTable();
  return std::move(last).CommitIfThere();
}

}  // namespace trivet::nft
