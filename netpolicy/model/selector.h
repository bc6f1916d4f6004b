#pragma once

#include <map>
#include <string>
#include <vector>

namespace trivet::netpolicy {

using Labels = std::map<std::string, std::string>;

/// A Kubernetes label selector; the empty one matches everything.
/// Source: k8s.io/apimachinery meta/v1 LabelSelector.
struct Selector {
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;  // sorted
  };
  Labels match_labels;
  std::vector<Requirement> match_expressions;

  /// NotIn and DoesNotExist match labels without the key.
  [[nodiscard]] bool Matches(const Labels& labels) const;
  /// Equal for selectors that are written alike, whatever the order of their parts.
  [[nodiscard]] std::string Canonical() const;
};

}  // namespace trivet::netpolicy
