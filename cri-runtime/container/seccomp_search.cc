#include "cri-runtime/container/seccomp_search.h"

#include <algorithm>

namespace trivet::container {
namespace {

// Compiling an instruction takes as long as following so many (0.14 µs, 2.3 ns).
constexpr uint64_t kInstructionCost = 60;

// More in a row would make one of many ranges slow to find.
constexpr uint64_t kMostSingles = 6;

}  // namespace

SearchPlan::SearchPlan(const Ranges& ranges, uint32_t asked) : ranges_(ranges) {
  for (size_t range = 0; range < ranges.size(); ++range) {
    const uint32_t end = range + 1 < ranges.size() ? ranges[range + 1].start : asked;
    const uint32_t values = std::min(end, asked) - std::min(ranges[range].start, asked);
    weights_.push_back(weights_.back() + std::max(values, uint32_t{1}));
  }
}

uint64_t SearchPlan::Weight(size_t first, size_t last) const {
  return weights_[last] - weights_[first];
}

bool SearchPlan::IsSingle(size_t range) const {
  if (range + 1 == ranges_.size()) return ranges_[range].start == UINT32_MAX;
  return ranges_[range + 1].start == ranges_[range].start + 1;
}

SearchPlan::Choice SearchPlan::BySingles(size_t first, size_t last) const {
  size_t rest = first;
  while (rest + 1 < last && IsSingle(rest)) ++rest;
  Choice choice{.rest = ranges_[rest].what};
  uint64_t singles = 0;
  for (size_t range = first; range < last; ++range) {
    if (ranges_[range].what == choice.rest) continue;
    if (!IsSingle(range) || ++singles > kMostSingles) return {};
  }
  choice.cost = singles * (Weight(first, last) + kInstructionCost);
  return choice;
}

// Those that are tried: about the one with half of the weight on each side.
std::pair<size_t, size_t> SearchPlan::Splits(size_t first, size_t last) const {
  constexpr size_t kFewRanges = 256;
  const size_t around = ranges_.size() <= kFewRanges ? 4 : 0;
  const auto begin = weights_.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = weights_.begin() + static_cast<std::ptrdiff_t>(last);
  const uint64_t half = (weights_[first] + weights_[last]) / 2;
  const auto middle =
      static_cast<size_t>(std::lower_bound(begin + 1, end - 1, half) - weights_.begin());
  return {std::max(first + 1, middle - std::min(middle, around)),
          std::min(last, middle + around + 1)};
}

uint64_t SearchPlan::Cost(size_t first, size_t last) {
  return last - first == 1 ? 0 : Best(first, last).cost;
}

const SearchPlan::Choice& SearchPlan::Best(size_t first, size_t last) {
  const auto [place, is_new] = choices_.try_emplace({first, last});
  if (!is_new) return place->second;
  Choice best = BySingles(first, last);
  const auto [lowest, end] = Splits(first, last);
  for (size_t split = lowest; split < end; ++split) {
    const uint64_t cost =
        Weight(first, last) + kInstructionCost + Cost(first, split) + Cost(split, last);
    if (cost < best.cost) best = {.cost = cost, .split = split};
  }
  return place->second = best;
}

}  // namespace trivet::container
