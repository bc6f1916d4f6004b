#include "netpolicy/plan/plan.h"

#include <algorithm>
#include <iterator>

namespace trivet::netpolicy {
namespace {

// The keys of `from` that `other` does not have.
template <class T>
std::vector<std::string> KeysMissingIn(const std::map<std::string, T>& from,
                                       const std::map<std::string, T>& other) {
  std::vector<std::string> missing;
  for (const auto& [name, value] : from) {
    if (!other.contains(name)) missing.push_back(name);
  }
  return missing;
}

std::vector<nft::Element> Difference(const std::vector<nft::Element>& a,
                                     const std::vector<nft::Element>& b) {
  std::vector<nft::Element> difference;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(difference));
  return difference;
}

}  // namespace

bool Plan::empty() const {
  return sets_to_add.empty() && chains_to_add.empty() && elements_to_delete.empty() &&
         elements_to_add.empty() && chains_to_delete.empty() && sets_to_delete.empty();
}

Plan MakePlan(const Ruleset& desired, const Ruleset& actual) {
  Plan plan;
  plan.sets_to_add = KeysMissingIn(desired.sets, actual.sets);
  plan.chains_to_add = KeysMissingIn(desired.chains, actual.chains);
  plan.chains_to_delete = KeysMissingIn(actual.chains, desired.chains);
  plan.sets_to_delete = KeysMissingIn(actual.sets, desired.sets);
  for (const auto& [name, content] : desired.sets) {
    const auto found = actual.sets.find(name);
    if (found == actual.sets.end()) {
      if (!content.elements.empty()) plan.elements_to_add[name] = content.elements;
      continue;
    }
    auto gone = Difference(found->second.elements, content.elements);
    auto added = Difference(content.elements, found->second.elements);
    if (!gone.empty()) plan.elements_to_delete[name] = std::move(gone);
    if (!added.empty()) plan.elements_to_add[name] = std::move(added);
  }
  return plan;
}

}  // namespace trivet::netpolicy
