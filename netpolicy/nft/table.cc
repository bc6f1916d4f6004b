#include "netpolicy/nft/table.h"

#include <linux/netfilter.h>

#include "common/linux/nftables.h"
#include "netpolicy/nft/rules.h"

namespace trivet::netpolicy {
namespace {

const nft::Table kTable{NFPROTO_INET, kTableName};

}  // namespace

Result<> NftTable::Replace(const Ruleset& desired) {
  nft::Transaction transaction(kTable);
  transaction.ResetTable();
  for (const auto& [name, content] : desired.sets) transaction.AddSet(content.set);
  for (const auto& [name, chain] : desired.chains) AddClassChain(name, chain, transaction);
  for (const auto& [name, content] : desired.sets) {
    transaction.AddElements(content.set, content.elements);
  }
  AddFixedChains(transaction);
  return std::move(transaction).Commit();
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
  return std::move(transaction).Commit();
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
  return std::move(transaction).Commit();
}

}  // namespace trivet::netpolicy
