#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trivet {

/// A moment in UTC as RFC 3339 has it, with all nine digits so that texts sort as times do:
/// "2026-11-23T11:04:05.000000006Z". In place, without allocation.
class UtcTime {
 public:
  explicit UtcTime(int64_t unix_ns);
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 40> text_;
  size_t size_ = 0;
};

}  // namespace trivet
