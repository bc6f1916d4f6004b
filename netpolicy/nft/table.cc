#include "netpolicy/nft/table.h"

#include <linux/netfilter.h>

#include <utility>

#include "common/linux/nftables.h"
#include "netpolicy/nft/rules.h"

namespace trivet::netpolicy {
namespace {

const nft::Table kTable{NFPROTO_INET, kTableName};

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
  for (const auto& [name, chain] : desired.chains) AddClassChain(name, chain, transaction);
  for (const auto& [name, content] : desired.sets) {
    transaction.AddElements(content.set, content.elements);
  }
  AddFixedChains(transaction);
  return Commit(std::move(transaction));
}

Result<> NftTable::Apply(const Plan& plan, const Ruleset& desired) {
  nft::Transaction transaction(kTable);
  for (const std::string& name : plan.sets_to_add) {
    transaction.AddSet(desired.sets.at(name).set);
  }
  for (const std::string& name : plan.chains_to_add) {
    AddClassChain(name, desired.chains.at(name), transaction);
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
  ASSIGN_OR_RETURN(const auto chains, nft::ReadRuleCounts(kTable));
  for (const auto& [name, chain] : desired.chains) {
    const auto found = chains.find(name);
    if (found == chains.end() || found->second != chain.rules.size() + 1) {
      return Fail(Code::kDataLoss, "chain {} of table {} was changed", name, kTableName);
    }
  }
  for (const char* fixed : {kForwardChain, kFromPodChain, kToPodChain}) {
    if (!chains.contains(fixed)) {
      return Fail(Code::kDataLoss, "chain {} of table {} is missing", fixed, kTableName);
    }
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
