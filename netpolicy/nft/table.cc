#include "netpolicy/nft/table.h"

#include <linux/netfilter.h>

#include <utility>

#include "common/linux/nftables.h"
#include "netpolicy/nft/rules.h"

namespace trivet::netpolicy {
namespace {

const nft::Table kTable{NFPROTO_INET, kTableName};

void Add(const nft::FilledChain& filled, nft::Transaction& transaction) {
  transaction.AddChain(filled.chain);
  for (const nft::Rule& rule : filled.rules) transaction.AddRule(filled.chain.name, rule);
}

Result<> VerifyRules(const nft::FilledChain& wanted, const nft::RuleTexts& there) {
  if (nft::HasRules(wanted, there)) return {};
  return Fail(Code::kDataLoss, "rules of chain {} of table {} were changed", wanted.chain.name,
              kTableName);
}

// Where in a packet's way it is.
Result<> VerifyHook(const nft::Chain& wanted) {
  ASSIGN_OR_RETURN(const auto chain, nft::FindChain(kTable, wanted.name));
  if (chain && chain->hook == wanted.hook) return {};
  return Fail(Code::kDataLoss, "hook of chain {} of table {} was changed", wanted.name, kTableName);
}

}  // namespace

Result<NftTable> NftTable::Open() {
  ASSIGN_OR_RETURN(auto watch, nft::TableWatch::Open(kTable));
  return NftTable(std::move(watch));
}

// The kernel tells of our own change before the commit returns. Somebody else's in the moment
// between is not seen; the regular look at the table finds it.
Result<> NftTable::Commit(nft::Transaction transaction) {
  ASSIGN_OR_RETURN(const bool by_others, watch_.TakeChanges());
  disturbed_ = disturbed_ || by_others;
  auto committed = std::move(transaction).Commit();
  RETURN_IF_ERROR(watch_.TakeChanges());
  return committed;
}

Result<bool> NftTable::TakeDisturbance() {
  ASSIGN_OR_RETURN(const bool by_others, watch_.TakeChanges());
  return std::exchange(disturbed_, false) || by_others;
}

Result<> NftTable::Replace(const Ruleset& desired) {
  nft::Transaction transaction(kTable);
  transaction.ResetTable();
  for (const auto& [name, content] : desired.sets) transaction.AddSet(content.set);
  for (const auto& [name, chain] : desired.chains) Add(Fill(name, chain), transaction);
  for (const auto& [name, content] : desired.sets) {
    transaction.AddElements(content.set, content.elements);
  }
  for (const nft::FilledChain& fixed : FixedChains()) Add(fixed, transaction);
  return Commit(std::move(transaction));
}

Result<> NftTable::Apply(const Plan& plan, const Ruleset& desired) {
  nft::Transaction transaction(kTable);
  for (const std::string& name : plan.sets_to_add) {
    transaction.AddSet(desired.sets.at(name).set);
  }
  for (const std::string& name : plan.chains_to_add) {
    Add(Fill(name, desired.chains.at(name)), transaction);
  }
  for (const auto& [name, elements] : plan.elements_to_delete) {
    transaction.DeleteElements(desired.sets.at(name).set, elements);
  }
  for (const auto& [name, elements] : plan.elements_to_add) {
    transaction.AddElements(desired.sets.at(name).set, elements);
  }
  for (const std::string& name : plan.chains_to_delete) transaction.DeleteChain(name);
  for (const std::string& name : plan.sets_to_delete) transaction.DeleteSet(name);
  return Commit(std::move(transaction));
}

Result<> NftTable::VerifyElements(const SetContent& content) {
  ASSIGN_OR_RETURN(const auto elements, nft::ReadElements(kTable, content.set));
  if (elements == content.elements) return {};
  return Fail(Code::kDataLoss, "set {} of table {} was changed: {} elements, {} expected",
              content.set.name, kTableName, elements.size(), content.elements.size());
}

Result<> NftTable::Verify(const Ruleset& desired) {
  ASSIGN_OR_RETURN(const auto rules, nft::ReadRules(kTable, {}));
  for (const auto& [name, chain] : desired.chains) {
    RETURN_IF_ERROR(VerifyRules(Fill(name, chain), rules));
  }
  for (const nft::FilledChain& fixed : FixedChains()) {
    RETURN_IF_ERROR(VerifyRules(fixed, rules));
    if (fixed.chain.hook) RETURN_IF_ERROR(VerifyHook(fixed.chain));
  }
  for (const auto& [name, content] : desired.sets) RETURN_IF_ERROR(VerifyElements(content));
  return {};
}

Result<> NftTable::Remove() {
  nft::Transaction transaction(kTable);
  transaction.AddTable(nft::Existing::kIsKept);  // so that deleting never fails
  transaction.DeleteTable();
  return Commit(std::move(transaction));
}

}  // namespace trivet::netpolicy
