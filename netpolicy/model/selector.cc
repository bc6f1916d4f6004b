#include "netpolicy/model/selector.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace trivet::netpolicy {
namespace {

bool Fulfils(const Labels& labels, const Selector::Requirement& requirement) {
  const auto found = labels.find(requirement.key);
  const bool present = found != labels.end();
  const bool listed = present && std::find(requirement.values.begin(), requirement.values.end(),
                                           found->second) != requirement.values.end();
  switch (requirement.op) {
    case Selector::Operator::kIn:
      return listed;
    case Selector::Operator::kNotIn:
      return !listed;
    case Selector::Operator::kExists:
      return present;
    case Selector::Operator::kDoesNotExist:
      return !present;
  }
  return false;
}

}  // namespace

bool Selector::Matches(const Labels& labels) const {
  for (const auto& [key, value] : match_labels) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return std::all_of(match_expressions.begin(), match_expressions.end(),
                     [&](const Requirement& one) { return Fulfils(labels, one); });
}

std::string Selector::Canonical() const {
  std::vector<std::string> parts;
  // Label keys and values have no character of these separators (API validation; ours as well).
  for (const auto& [key, value] : match_labels) parts.push_back(fmt::format("{}={}", key, value));
  for (const Requirement& one : match_expressions) {
    parts.push_back(
        fmt::format("{}?{}?{}", one.key, static_cast<int>(one.op), fmt::join(one.values, "|")));
  }
  std::sort(parts.begin(), parts.end());
  return fmt::format("{{{}}}", fmt::join(parts, ","));
}

}  // namespace trivet::netpolicy
