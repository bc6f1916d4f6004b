#include "csi/volume/mutable_parameters.h"

#include <array>
#include <charconv>
#include <utility>

namespace trivet::csi {
namespace {

constexpr std::array<std::pair<Trim, std::string_view>, 3> kTrims = {{
    {Trim::kNever, "never"},
    {Trim::kUnstage, "unstage"},
    {Trim::kOnline, "online"},
}};

constexpr std::array<std::pair<std::string_view, uint64_t IoLimits::*>, 4> kLimits = {{
    {"readBytesPerSecond", &IoLimits::read_bytes_per_second},
    {"writeBytesPerSecond", &IoLimits::write_bytes_per_second},
    {"readOperationsPerSecond", &IoLimits::read_operations_per_second},
    {"writeOperationsPerSecond", &IoLimits::write_operations_per_second},
}};

// The kernel takes 64 bits for bytes, and for operations less than 32.
Result<uint64_t> ParseLimit(std::string_view key, std::string_view text) {
  const uint64_t largest = key.ends_with("BytesPerSecond") ? uint64_t{1} << 62 : (1U << 31) - 1;
  uint64_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error == std::errc() && end == text.data() + text.size() && limit <= largest) return limit;
  return Fail(Code::kInvalidArgument, "{}: unexpected \"{}\", want 0 (no limit) to {}", key, text,
              largest);
}

Result<> Change(const std::string& key, const std::string& value, MutableParameters& out) {
  if (key == "trim") {
    const auto trim = TrimNamed(value);
    if (!trim) {
      return Fail(Code::kInvalidArgument, "trim: unexpected \"{}\", want never, unstage or online",
                  value);
    }
    out.trim = *trim;
    return {};
  }
  for (const auto& [name, member] : kLimits) {
    if (name != key) continue;
    ASSIGN_OR_RETURN(out.limits.*member, ParseLimit(key, value));
    return {};
  }
  return Fail(Code::kInvalidArgument, "{}: unknown key", key);
}

}  // namespace

std::string_view NameOf(Trim trim) {
  for (const auto& [value, name] : kTrims) {
    if (value == trim) return name;
  }
  return "";
}

std::optional<Trim> TrimNamed(std::string_view name) {
  for (const auto& [value, known] : kTrims) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Result<MutableParameters> Changed(MutableParameters parameters,
                                  const std::map<std::string, std::string>& changes) {
  for (const auto& [key, value] : changes) {
    RETURN_IF_ERROR(Change(key, value, parameters), "mutable_parameters");
  }
  return parameters;
}

std::map<std::string, std::string> Written(const MutableParameters& parameters) {
  std::map<std::string, std::string> values;
  for (const auto& [name, member] : kLimits) {
    const uint64_t limit = parameters.limits.*member;
    if (limit != 0) values[std::string(name)] = std::to_string(limit);
  }
  if (parameters.trim != Trim::kNever) values["trim"] = NameOf(parameters.trim);
  return values;
}

}  // namespace trivet::csi
