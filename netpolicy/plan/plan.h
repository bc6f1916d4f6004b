#pragma once

#include <map>
#include <string>
#include <vector>

#include "netpolicy/plan/ruleset.h"

namespace trivet::netpolicy {

/// What has to change in the table, in the order in which it is done: sets and chains appear,
/// elements move, chains and sets go.
struct Plan {
  std::vector<std::string> sets_to_add;
  std::vector<std::string> chains_to_add;
  std::map<std::string, std::vector<nft::Element>> elements_to_delete;  // by set
  std::map<std::string, std::vector<nft::Element>> elements_to_add;
  std::vector<std::string> chains_to_delete;
  std::vector<std::string> sets_to_delete;

  [[nodiscard]] bool empty() const;
};

/// Compares what the cluster wants with what the table has. Pure: no clock, no I/O, the same inputs
/// always give the same plan, and a plan computed after applying one is empty. Chains and sets
/// other than the fixed ones are named by content, so equal names need no look inside a chain.
Plan MakePlan(const Ruleset& desired, const Ruleset& actual);

}  // namespace trivet::netpolicy
