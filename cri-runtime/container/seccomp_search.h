#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "cri-runtime/container/seccomp_analysis.h"

namespace trivet::container {

/// By which comparisons the range that a value is in is found: those that cost the kernel least
/// when it takes the program. That is what it asks beforehand, about each number it has, and what
/// each instruction takes to be compiled.
class SearchPlan {
 public:
  /// The values below `asked` are asked about; of others, one in each range. Keeps `ranges`.
  SearchPlan(const Ranges& ranges, uint32_t asked);

  struct Choice {
    uint64_t cost = UINT64_MAX;
    // The range with whose start the value is compared. 0: the value is compared with the single
    // values that do not lead to `rest`, as all others do.
    size_t split = 0;
    size_t rest = 0;
  };

  /// For a value in one of the ranges from `first` up to `last`, at least two.
  const Choice& Best(size_t first, size_t last);

 private:
  [[nodiscard]] uint64_t Weight(size_t first, size_t last) const;
  [[nodiscard]] bool IsSingle(size_t range) const;
  [[nodiscard]] Choice BySingles(size_t first, size_t last) const;
  [[nodiscard]] std::pair<size_t, size_t> Splits(size_t first, size_t last) const;
  uint64_t Cost(size_t first, size_t last);

  const Ranges& ranges_;
  std::vector<uint64_t> weights_{0};  // of the ranges before
  std::map<std::pair<size_t, size_t>, Choice> choices_;
};

}  // namespace trivet::container
