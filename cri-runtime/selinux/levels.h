#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "common/base/error.h"

namespace trivet::selinux {

/// Gives each pod a level of its own, "s0:c12,c900": two of the 1024 categories, by which the
/// policy keeps pods of the same type apart. Any thread.
///
/// What is given away is in the pods' records; only while a record is not there yet the level is
/// kept here.
class Levels {
 public:
  /// A level that nobody else gets while this is there.
  class Hold {
   public:
    Hold() = default;
    Hold(Levels& levels, std::string level) : levels_(&levels), level_(std::move(level)) {}
    Hold(Hold&& other) noexcept
        : levels_(std::exchange(other.levels_, nullptr)), level_(std::move(other.level_)) {}
    Hold& operator=(Hold&& other) noexcept {
      std::swap(levels_, other.levels_);
      std::swap(level_, other.level_);
      return *this;
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
      if (levels_ != nullptr) levels_->Release(level_);
    }
    [[nodiscard]] const std::string& level() const { return level_; }

   private:
    Levels* levels_ = nullptr;
    std::string level_;
  };

  /// `is_used` says whether a record has the level, as the records are when it is called: what is
  /// not held any more is recorded.
  /// Errors: kResourceExhausted when all 523,776 are used.
  Result<Hold> Take(const std::function<bool(const std::string&)>& is_used);

  /// The level of the `number`-th pair, from 0 to kPairs - 1.
  static std::string LevelOf(uint32_t number);

  static constexpr uint32_t kCategories = 1024;
  static constexpr uint32_t kPairs = kCategories * (kCategories - 1) / 2;

 private:
  void Release(const std::string& level);

  std::mutex mutex_;
  std::set<std::string> held_;
};

}  // namespace trivet::selinux
