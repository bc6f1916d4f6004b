#include "cri-runtime/sandbox/bandwidth.h"

#include <charconv>
#include <cmath>

namespace trivet::sandbox {
namespace {

struct Suffix {
  std::string_view text;
  double factor;
};

constexpr Suffix kSuffixes[] = {{"", 1},        {"n", 1e-9},    {"u", 1e-6},    {"m", 1e-3},
                                {"k", 1e3},     {"M", 1e6},     {"G", 1e9},     {"T", 1e12},
                                {"P", 1e15},    {"E", 1e18},    {"Ki", 0x1p10}, {"Mi", 0x1p20},
                                {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60}};

std::unexpected<Error> NoQuantity(std::string_view text) {
  return Fail(Code::kInvalidArgument, "\"{}\" is no quantity", text.substr(0, 64));
}

Result<std::optional<uint64_t>> ReadRate(const std::map<std::string, std::string>& annotations,
                                         const std::string& name) {
  constexpr uint64_t kLeast = 1'000;
  constexpr uint64_t kMost = 1'000'000'000'000'000;
  const auto found = annotations.find(name);
  if (found == annotations.end()) return std::nullopt;
  ASSIGN_OR_RETURN(const uint64_t bits, ParseQuantity(found->second), "annotation " + name);
  if (bits >= kLeast && bits <= kMost) return bits;
  return Fail(Code::kInvalidArgument, "annotation {}: \"{}\" is not between 1k and 1P", name,
              found->second);
}

}  // namespace

Result<uint64_t> ParseQuantity(std::string_view text) {
  // Digits and one point; an exponent is a suffix of its own kind.
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + digits, number, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + digits) return NoQuantity(text);
  const std::string_view rest = text.substr(digits);
  int exponent = 0;
  double factor = 0;
  if (rest.size() > 1 && (rest[0] == 'e' || rest[0] == 'E')) {
    const auto read = std::from_chars(rest.data() + 1, rest.data() + rest.size(), exponent);
    if (read.ec == std::errc() && read.ptr == rest.data() + rest.size()) {
      factor = std::pow(10, exponent);
    }
  }
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.text == rest) factor = suffix.factor;
  }
  const double value = std::ceil(number * factor);
  if (factor == 0 || !(value < 0x1p63)) return NoQuantity(text);
  return static_cast<uint64_t>(value);
}

Result<Bandwidth> BandwidthOf(const std::map<std::string, std::string>& annotations) {
  Bandwidth bandwidth;
  ASSIGN_OR_RETURN(bandwidth.ingress_bits,
                   ReadRate(annotations, "kubernetes.io/ingress-bandwidth"));
  ASSIGN_OR_RETURN(bandwidth.egress_bits, ReadRate(annotations, "kubernetes.io/egress-bandwidth"));
  return bandwidth;
}

}  // namespace trivet::sandbox
