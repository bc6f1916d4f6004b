#include "ctl/object/quantity.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace trivet::ctl {
namespace {

__extension__ using Wide = __int128;
constexpr size_t kMaxDigits = 18;  // a larger mantissa could overflow when multiplied

// mantissa * 10^-decimals * multiplier * 10^exponent
struct Quantity {
  Wide mantissa = 0;
  int decimals = 0;
  std::string_view suffix;
};

std::unexpected<Error> Complain(std::string_view text, std::string_view reason) {
  return Fail(Code::kInvalidArgument, "quantity \"{}\": {}", text, reason);
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

Result<Quantity> Split(std::string_view text) {
  Quantity quantity;
  size_t at = text.starts_with('+') ? 1 : 0;
  size_t digits = 0;
  bool fraction = false;
  for (; at < text.size() && (IsDigit(text[at]) || (text[at] == '.' && !fraction)); ++at) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    if (++digits > kMaxDigits) return Complain(text, "too many digits");
    quantity.mantissa = quantity.mantissa * 10 + (text[at] - '0');
    if (fraction) ++quantity.decimals;
  }
  if (digits == 0) return Complain(text, "not a number of zero or more");
  quantity.suffix = text.substr(at);
  return quantity;
}

struct Unit {
  std::string_view suffix;
  int exponent_of_ten;
  int64_t multiplier;
};
// Source: Kubernetes API conventions, "Quantities".
constexpr std::array kUnits = {
    Unit{"", 0, 1},           Unit{"n", -9, 1},         Unit{"u", -6, 1},
    Unit{"m", -3, 1},         Unit{"k", 3, 1},          Unit{"M", 6, 1},
    Unit{"G", 9, 1},          Unit{"T", 12, 1},         Unit{"P", 15, 1},
    Unit{"E", 18, 1},         Unit{"Ki", 0, 1LL << 10}, Unit{"Mi", 0, 1LL << 20},
    Unit{"Gi", 0, 1LL << 30}, Unit{"Ti", 0, 1LL << 40}, Unit{"Pi", 0, 1LL << 50},
    Unit{"Ei", 0, 1LL << 60}};

std::optional<Unit> FindUnit(std::string_view suffix) {
  for (const Unit& unit : kUnits) {
    if (unit.suffix == suffix) return unit;
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  const char* begin = suffix.data() + (suffix[1] == '+' ? 2 : 1);
  const char* end = suffix.data() + suffix.size();
  int exponent = 0;
  const auto parsed = std::from_chars(begin, end, exponent);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return Unit{suffix, exponent, 1};
}

Result<int64_t> Scale(std::string_view text, int extra_exponent) {
  ASSIGN_OR_RETURN(const Quantity quantity, Split(text));
  const std::optional<Unit> unit = FindUnit(quantity.suffix);
  if (!unit) return Complain(text, fmt::format("unknown unit \"{}\"", quantity.suffix));

  constexpr Wide kMax = std::numeric_limits<int64_t>::max();
  Wide value = quantity.mantissa * unit->multiplier;  // < 10^18 * 2^60: fits
  int exponent = unit->exponent_of_ten - quantity.decimals + extra_exponent;
  for (; exponent > 0 && value != 0; --exponent) {
    value *= 10;
    if (value > kMax) return Complain(text, "too large");
  }
  for (; exponent < 0 && value > 1; ++exponent) value = (value + 9) / 10;
  if (value > kMax) return Complain(text, "too large");
  return static_cast<int64_t>(value);
}

}  // namespace

Result<int64_t> ParseQuantity(std::string_view text) {
  return Scale(text, 0);
}

Result<int64_t> ParseMilliQuantity(std::string_view text) {
  return Scale(text, 3);
}

Result<std::string> QuantityText(const json::Value& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  return Fail(Code::kInvalidArgument, "not a quantity");
}

}  // namespace trivet::ctl
