#include "netpolicy/model/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace trivet::netpolicy {
namespace {

constexpr std::string_view kMappedPrefix("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

// The address after (step 1) or before (step -1) this one; nothing beyond the family's end.
std::optional<Address> Neighbour(Address address, int step) {
  const auto wrapped = static_cast<unsigned char>(step > 0 ? 0x00 : 0xff);
  for (auto byte = address.bytes.rbegin(); byte != address.bytes.rend(); ++byte) {
    *byte = static_cast<char>(static_cast<unsigned char>(*byte) + step);
    if (static_cast<unsigned char>(*byte) != wrapped) return address;
  }
  return std::nullopt;
}

}  // namespace

Result<Address> Address::Parse(std::string_view text) {
  const std::string copy(text);
  std::array<char, 16> bytes{};
  // inet_pton stops at a NUL, which would let "10.0.0.1\0x" pass.
  if (copy.find('\0') == std::string::npos) {
    if (::inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) {
      return Address{std::string(bytes.data(), 4)};
    }
    if (::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1 &&
        !std::string_view(bytes.data(), 16).starts_with(kMappedPrefix)) {
      return Address{std::string(bytes.data(), 16)};
    }
  }
  return Fail(Code::kInvalidArgument, "'{}' is not an IP address", text);
}

std::string Address::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_ipv6() ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return text.data();
}

Result<Range> Range::ParseCidr(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return Fail(Code::kInvalidArgument, "'{}' is not a CIDR (no prefix length)", text);
  }
  ASSIGN_OR_RETURN(const Address base, Address::Parse(text.substr(0, slash)));
  const std::string_view digits = text.substr(slash + 1);
  size_t prefix = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() ||
      prefix > base.bytes.size() * 8) {
    return Fail(Code::kInvalidArgument, "'{}' is not a CIDR (bad prefix length)", text);
  }
  Range range{base, base};
  for (size_t bit = prefix; bit < base.bytes.size() * 8; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80U >> (bit % 8));
    range.first.bytes[bit / 8] = static_cast<char>(range.first.bytes[bit / 8] & ~mask);
    range.last.bytes[bit / 8] = static_cast<char>(range.last.bytes[bit / 8] | mask);
  }
  return range;
}

// std::string compares its bytes as unsigned, so the order is the addresses' own.
bool Range::Contains(const Address& address) const {
  return is_ipv6() == address.is_ipv6() && first <= address && address <= last;
}

bool Range::Contains(const Range& other) const {
  return Contains(other.first) && Contains(other.last);
}

std::vector<Range> Merge(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::pair(a.is_ipv6(), a) < std::pair(b.is_ipv6(), b);
  });
  std::vector<Range> merged;
  for (Range& range : ranges) {
    if (!merged.empty() && merged.back().is_ipv6() == range.is_ipv6()) {
      const auto after = Neighbour(merged.back().last, 1);
      if (!after || range.first <= *after) {
        merged.back().last = std::max(merged.back().last, range.last);
        continue;
      }
    }
    merged.push_back(std::move(range));
  }
  return merged;
}

std::vector<Range> Subtract(const Range& range, std::vector<Range> holes) {
  std::vector<Range> left;
  Range rest = range;
  for (const Range& hole : Merge(std::move(holes))) {
    if (hole.is_ipv6() != rest.is_ipv6() || hole.last < rest.first) continue;
    if (hole.first > rest.last) break;
    if (const auto before = Neighbour(hole.first, -1); before && rest.first <= *before) {
      left.push_back({rest.first, *before});
    }
    const auto after = Neighbour(hole.last, 1);
    if (!after || *after > rest.last) return left;
    rest.first = *after;
  }
  left.push_back(rest);
  return left;
}

}  // namespace trivet::netpolicy
