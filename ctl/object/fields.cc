#include "ctl/object/fields.h"

#include <algorithm>

namespace trivet::ctl {
namespace {

bool IsLabel(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && alphanumeric(text.front()) &&
         alphanumeric(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return c == '-' || alphanumeric(c); });
}

bool IsSubdomain(std::string_view text) {
  if (text.size() > 253) return false;
  while (true) {
    const size_t dot = text.find('.');
    if (!IsLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

Result<std::optional<Fields>> Fields::Object(std::string_view key) {
  seen_.emplace(key);
  if (!Has(key)) return std::nullopt;
  const json::Value& value = object_->at(std::string(key));
  if (!value.is_object()) return Complain(key, "not an object");
  return Fields(value, origin_, PathOf(key), *warnings_);
}

Result<std::vector<Fields>> Fields::List(std::string_view key) {
  seen_.emplace(key);
  std::vector<Fields> items;
  if (!Has(key)) return items;
  const json::Value& list = object_->at(std::string(key));
  if (!list.is_array()) return Complain(key, "not a list");
  for (size_t i = 0; i < list.size(); ++i) {
    Fields item(list[i], origin_, fmt::format("{}[{}]", PathOf(key), i), *warnings_);
    if (!list[i].is_object()) return item.Complain("", "not an object");
    items.push_back(std::move(item));
  }
  return items;
}

void Fields::Accept(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) seen_.emplace(key);
}

void Fields::Warn(std::initializer_list<std::string_view> keys, std::string_view what_happens) {
  for (const std::string_view key : keys) {
    seen_.emplace(key);
    if (Has(key)) {
      warnings_->push_back(fmt::format("{}: {}: {}", origin_, PathOf(key), what_happens));
    }
  }
}

Result<> Fields::Finish() {
  for (const auto& [key, value] : object_->items()) {
    if (seen_.contains(key) || value.is_null()) continue;
    return Complain(key, "unknown, or not supported by trivetctl");
  }
  return {};
}

bool Fields::Has(std::string_view key) const {
  const auto found = object_->find(std::string(key));
  return found != object_->end() && !found->is_null();
}

std::unexpected<Error> Fields::Complain(std::string_view key, std::string_view reason) const {
  return Fail(Code::kInvalidArgument, "{}: {}: {}", origin_, PathOf(key), reason);
}

std::string Fields::PathOf(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

Result<> Fields::Place(Result<> result) const {
  if (result) return result;
  const std::string dot = path_.empty() ? "" : path_ + ".";
  return Fail(result.error().code(), "{}: {}{}", origin_, dot, result.error().message());
}

Result<> ReadLabelName(Fields& fields, std::string_view key, std::string& out) {
  RETURN_IF_ERROR(fields.Require(key, out));
  if (IsLabel(out)) return {};
  return fields.Complain(key,
                         fmt::format("\"{}\" is not a name of at most 63 of a-z, 0-9 and -", out));
}

Result<> ReadSubdomainName(Fields& fields, std::string_view key, std::string& out) {
  RETURN_IF_ERROR(fields.Require(key, out));
  if (IsSubdomain(out)) return {};
  return fields.Complain(
      key, fmt::format("\"{}\" is not a name of at most 253 of a-z, 0-9, - and .", out));
}

}  // namespace trivet::ctl
