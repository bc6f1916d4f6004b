#include "cni/ipam/range.h"

#include <algorithm>

namespace trivet::cni {
namespace {

Result<> ReadAddress(const json::Value& value, std::string_view key, IpAddress& out) {
  std::string text;
  RETURN_IF_ERROR(json::ReadOptional(value, key, text));
  if (text.empty()) return {};
  ASSIGN_OR_RETURN(out, IpAddress::Parse(text), key);
  return {};
}

Result<IpPrefix> ReadSubnet(const json::Value& value) {
  std::string text;
  RETURN_IF_ERROR(json::ReadRequired(value, "subnet", text));
  ASSIGN_OR_RETURN(const IpPrefix subnet, IpPrefix::Parse(text), "subnet");
  if (subnet != subnet.Network()) {
    return Fail(Code::kInvalidArgument, "subnet: {} has host bits set", text);
  }
  if (subnet.length + 1 > subnet.address.bits()) {
    return Fail(Code::kInvalidArgument, "subnet: {} is too small to allocate from", text);
  }
  return subnet;
}

// A network of two addresses has neither one of its own nor one for broadcast, and the router does
// not answer to the first: RFC 3021, RFC 6164.
void SetDefaults(Range& range) {
  const IpAddress highest = range.subnet.Last();
  const bool pair = range.subnet.length + 1 == highest.bits();
  range.first = pair ? range.subnet.address : range.subnet.address.Next();
  range.gateway = range.first;
  range.last = highest.is_v4() && !pair ? highest.Previous() : highest;  // IPv4's is for broadcast
}

bool Overlap(const Range& a, const Range& b) {
  return a.first.is_v4() == b.first.is_v4() && a.first <= b.last && b.first <= a.last;
}

}  // namespace

bool Range::Contains(const IpAddress& address) const {
  return address.is_v4() == first.is_v4() && first <= address && address <= last;
}

uint64_t Range::Capacity() const {
  constexpr uint64_t kMost = uint64_t{1} << 32;
  const auto low = first.bytes();
  const auto high = last.bytes();
  uint64_t distance = 0;  // modulo 2^64: only the difference of the low halves is wanted
  for (size_t i = 0; i < high.size(); ++i) {
    const auto step = static_cast<uint64_t>(std::to_integer<int>(high[i])) -
                      static_cast<uint64_t>(std::to_integer<int>(low[i]));
    const bool leading = i + 8 < high.size();
    if (leading && step != 0) return kMost;
    distance = (distance << 8) + step;
  }
  return std::min(distance + (Contains(gateway) ? 0 : 1), kMost);
}

Result<Range> ParseRange(const json::Value& value) {
  if (!value.is_object()) return Fail(Code::kInvalidArgument, "range: not an object");
  Range range;
  ASSIGN_OR_RETURN(range.subnet, ReadSubnet(value));
  SetDefaults(range);
  RETURN_IF_ERROR(ReadAddress(value, "rangeStart", range.first));
  RETURN_IF_ERROR(ReadAddress(value, "rangeEnd", range.last));
  RETURN_IF_ERROR(ReadAddress(value, "gateway", range.gateway));
  for (const IpAddress& end : {range.first, range.last}) {
    if (!range.subnet.Contains(end)) {
      return Fail(Code::kInvalidArgument, "range: {} is not in {}", end.ToString(),
                  range.subnet.ToString());
    }
  }
  if (range.last < range.first) {
    return Fail(Code::kInvalidArgument, "range: rangeStart {} is after rangeEnd {}",
                range.first.ToString(), range.last.ToString());
  }
  return range;
}

Result<RangeSet> ParseRangeSet(const json::Value& value) {
  if (!value.is_array() || value.empty()) {
    return Fail(Code::kInvalidArgument, "ranges: not a list of lists with a range each");
  }
  RangeSet set;
  for (const json::Value& entry : value) {
    ASSIGN_OR_RETURN(const Range range, ParseRange(entry), "ranges");
    if (!set.empty() && set.front().first.is_v4() != range.first.is_v4()) {
      return Fail(Code::kInvalidArgument, "ranges: IPv4 and IPv6 in one set");
    }
    if (Overlap(set, {range})) {
      return Fail(Code::kInvalidArgument, "ranges: {} overlaps another", range.subnet.ToString());
    }
    set.push_back(range);
  }
  return set;
}

std::optional<Range> FindRange(const RangeSet& set, const IpAddress& address) {
  for (const Range& range : set) {
    if (range.Contains(address)) return range;
  }
  return std::nullopt;
}

bool Overlap(const RangeSet& a, const RangeSet& b) {
  return std::any_of(a.begin(), a.end(), [&](const Range& left) {
    return std::any_of(b.begin(), b.end(),
                       [&](const Range& right) { return Overlap(left, right); });
  });
}

}  // namespace trivet::cni
