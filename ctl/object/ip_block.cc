#include "ctl/object/ip_block.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <optional>

namespace trivet::ctl {
namespace {

struct Prefix {
  int family = AF_UNSPEC;
  unsigned bits = 0;
  std::array<uint8_t, 16> address{};

  // Of the other, every address, and not all that there are.
  [[nodiscard]] bool IsPartOf(const Prefix& other) const {
    if (family != other.family || bits <= other.bits) return false;
    for (unsigned i = 0; i < other.bits; ++i) {
      const auto bit = static_cast<uint8_t>(0x80 >> i % 8);
      if (((address[i / 8] ^ other.address[i / 8]) & bit) != 0) return false;
    }
    return true;
  }
};

std::optional<Prefix> ParsePrefix(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  Prefix prefix{.family = text.find(':') == std::string::npos ? AF_INET : AF_INET6};
  if (::inet_pton(prefix.family, text.substr(0, slash).c_str(), prefix.address.data()) != 1) {
    return std::nullopt;
  }
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + slash + 1, end, prefix.bits);
  const unsigned most = prefix.family == AF_INET ? 32 : 128;
  if (parsed.ec != std::errc() || parsed.ptr != end || prefix.bits > most) return std::nullopt;
  return prefix;
}

}  // namespace

Result<> CheckIpBlock(Fields block) {
  std::string cidr;
  std::vector<std::string> except;
  RETURN_IF_ERROR(block.Require("cidr", cidr));
  RETURN_IF_ERROR(block.Read("except", except));
  RETURN_IF_ERROR(block.Finish());
  const auto whole = ParsePrefix(cidr);
  if (!whole) return block.Complain("cidr", fmt::format("\"{}\" is no ADDRESS/BITS", cidr));
  for (const std::string& text : except) {
    const auto part = ParsePrefix(text);
    if (!part) return block.Complain("except", fmt::format("\"{}\" is no ADDRESS/BITS", text));
    if (!part->IsPartOf(*whole)) {
      return block.Complain("except", fmt::format("{} is not a part of {}", text, cidr));
    }
  }
  return {};
}

}  // namespace trivet::ctl
