#include "cri-runtime/selinux/levels.h"

#include <fmt/format.h>

#include <random>

namespace trivet::selinux {

std::string Levels::LevelOf(uint32_t number) {
  // All pairs with the low category 0 come first, then those with 1, and so on.
  uint32_t low = 0;
  while (number >= kCategories - 1 - low) number -= kCategories - 1 - low++;
  return fmt::format("s0:c{},c{}", low, low + 1 + number);
}

// A random start: a level that was just given back is not at once another pod's.
Result<Levels::Hold> Levels::Take(const std::function<bool(const std::string&)>& is_used) {
  std::random_device random;
  const uint32_t start = std::uniform_int_distribution<uint32_t>(0, kPairs - 1)(random);
  const std::scoped_lock lock(mutex_);
  for (uint32_t step = 0; step < kPairs; ++step) {
    std::string level = LevelOf((start + step) % kPairs);
    if (is_used(level) || !held_.insert(level).second) continue;
    return Hold(*this, std::move(level));
  }
  return Fail(Code::kResourceExhausted, "all SELinux levels are used");
}

void Levels::Release(const std::string& level) {
  const std::scoped_lock lock(mutex_);
  held_.erase(level);
}

}  // namespace trivet::selinux
