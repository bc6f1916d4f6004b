#include "ctl/object/labels.h"

#include <algorithm>

namespace trivet::ctl {
namespace {

constexpr size_t kMaxName = 63;
constexpr size_t kMaxPrefix = 253;

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && IsAlphanumeric(text.front()) &&
         IsAlphanumeric(text.back()) && std::ranges::all_of(text, [](char c) {
           return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

bool IsPrefix(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPrefix && std::ranges::all_of(text, [](char c) {
    return (IsAlphanumeric(c) && !(c >= 'A' && c <= 'Z')) || c == '-' || c == '.';
  });
}

Result<> CheckValues(const Fields& requirement, const std::string& op,
                     const std::vector<std::string>& values) {
  const bool wants_values = op == "In" || op == "NotIn";
  if (!wants_values && op != "Exists" && op != "DoesNotExist") {
    return requirement.Complain("operator", "not one of In, NotIn, Exists, DoesNotExist");
  }
  if (wants_values == values.empty()) {
    return requirement.Complain(
        "values", fmt::format("{} for operator {}", wants_values ? "missing" : "not allowed", op));
  }
  for (const std::string& value : values) {
    if (!IsLabelValue(value)) {
      return requirement.Complain("values", fmt::format("\"{}\" is no label value", value));
    }
  }
  return {};
}

Result<> CheckRequirement(Fields& requirement) {
  std::string key;
  std::string op;
  std::vector<std::string> values;
  RETURN_IF_ERROR(requirement.Require("key", key));
  if (!IsLabelKey(key)) return requirement.Complain("key", "no label key");
  RETURN_IF_ERROR(requirement.Require("operator", op));
  RETURN_IF_ERROR(requirement.Read("values", values));
  RETURN_IF_ERROR(CheckValues(requirement, op, values));
  return requirement.Finish();
}

}  // namespace

bool IsLabelKey(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return IsName(text);
  return IsPrefix(text.substr(0, slash)) && IsName(text.substr(slash + 1));
}

bool IsLabelValue(std::string_view text) {
  return text.empty() || IsName(text);
}

Result<> ReadLabels(Fields& fields, std::string_view key, std::map<std::string, std::string>& out) {
  RETURN_IF_ERROR(fields.Read(key, out));
  for (const auto& [name, value] : out) {
    if (!IsLabelKey(name)) return fields.Complain(key, fmt::format("\"{}\" is no label key", name));
    if (!IsLabelValue(value)) {
      return fields.Complain(key, fmt::format("{}: \"{}\" is no label value", name, value));
    }
  }
  return {};
}

Result<> CheckSelector(Fields selector) {
  std::map<std::string, std::string> labels;
  RETURN_IF_ERROR(ReadLabels(selector, "matchLabels", labels));
  ASSIGN_OR_RETURN(auto requirements, selector.List("matchExpressions"));
  for (Fields& requirement : requirements) RETURN_IF_ERROR(CheckRequirement(requirement));
  return selector.Finish();
}

}  // namespace trivet::ctl
