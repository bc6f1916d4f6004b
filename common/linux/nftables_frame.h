#pragma once

#include <functional>
#include <vector>

#include "common/linux/nftables.h"

namespace trivet::nft {

/// A chain and all the rules it has.
struct FilledChain {
  Chain chain;
  std::vector<Rule> rules;
};

/// Whether the chain has these rules and no others, in their order, among what ReadRules() found.
bool HasRules(const FilledChain& wanted, const RuleTexts& there);

/// What of a table stays as it is while elements come and go.
struct Frame {
  Table table;
  std::vector<Set> sets;  // each is looked up by a rule
  std::vector<FilledChain> chains;
};

/// Makes what is missing or different of `frame`, other rules in its chains gone, and makes the
/// changes that `fill` puts into the transaction, all at once or not at all. `fill` is called once
/// or twice.
///
/// Where the kernel has the frame already, rule for rule, nothing but the elements is sent: whoever
/// replaces a rule waits, as it closes its socket, until the kernel has freed the old one, tens of
/// milliseconds later. Source: nf_tables_api.c (nf_tables_trans_destroy_flush_work).
/// Errors: as Transaction::Commit.
Result<> CommitWithin(const Frame& frame, const std::function<void(Transaction&)>& fill);

/// Deletes a table of which none of `sets` has an element left; a set or table that is not there is
/// success. The caller keeps others from adding meanwhile.
Result<> DeleteTableIfEmpty(const Table& table, const std::vector<Set>& sets);

}  // namespace trivet::nft
