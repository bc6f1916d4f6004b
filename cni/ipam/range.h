#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cni/ip_prefix.h"
#include "common/base/error.h"
#include "common/base/json.h"

namespace trivet::cni {

/// Addresses to give away: `first` to `last` of `subnet`, without the gateway.
struct Range {
  IpPrefix subnet;
  IpAddress first;
  IpAddress last;
  IpAddress gateway;

  [[nodiscard]] bool Contains(const IpAddress& address) const;
  /// How many addresses it can give; saturates at 2^32.
  [[nodiscard]] uint64_t Capacity() const;
};

/// Alternatives of one family, in the order they are used; one address is given from a set.
using RangeSet = std::vector<Range>;

/// {subnet, rangeStart, rangeEnd, gateway}; the defaults are the subnet's second to last but one
/// address (IPv6: last) and its second as gateway. Of a /31 or /127 both are given, the first of
/// them being the gateway unless another one is named. Errors: kInvalidArgument for host bits in
/// the subnet, one of a single address, an end outside of it, ends in the wrong order.
Result<Range> ParseRange(const json::Value& value);

/// A list of ranges. Errors: as ParseRange, and for an empty list, two families, an overlap.
Result<RangeSet> ParseRangeSet(const json::Value& value);

/// The range of `set` that `address` is in.
std::optional<Range> FindRange(const RangeSet& set, const IpAddress& address);

/// Whether some address is in both.
bool Overlap(const RangeSet& a, const RangeSet& b);

}  // namespace trivet::cni
