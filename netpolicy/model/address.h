#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace trivet::netpolicy {

/// An IPv4 or IPv6 address, as its 4 or 16 bytes in network order.
struct Address {
  std::string bytes;

  /// Errors: kInvalidArgument. An IPv4 address written in IPv6 form is refused.
  static Result<Address> Parse(std::string_view text);
  [[nodiscard]] bool is_ipv6() const { return bytes.size() == 16; }
  [[nodiscard]] std::string ToString() const;
  friend auto operator<=>(const Address&, const Address&) = default;
};

/// Addresses of one family from `first` to `last`, both included.
struct Range {
  Address first;
  Address last;

  /// "10.0.0.0/8"; bits behind the prefix are ignored. Errors: kInvalidArgument.
  static Result<Range> ParseCidr(std::string_view text);
  [[nodiscard]] bool is_ipv6() const { return first.is_ipv6(); }
  [[nodiscard]] bool Contains(const Address& address) const;
  [[nodiscard]] bool Contains(const Range& other) const;
  friend auto operator<=>(const Range&, const Range&) = default;
};

/// The addresses of `range` that no range of `holes` has; sorted.
std::vector<Range> Subtract(const Range& range, std::vector<Range> holes);

/// The same addresses in as few ranges as possible, sorted; neighbours become one.
std::vector<Range> Merge(std::vector<Range> ranges);

}  // namespace trivet::netpolicy
