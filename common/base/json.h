#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/error.h"

/// JSON as this project reads it: every failure is a Result that names the
/// field, numbers are range-checked (nlohmann turns -1 into 4294967295 silently).
namespace trivet::json {

using Value = nlohmann::json;

/// Parses one document. Errors: kInvalidArgument with the byte and the reason;
/// also when the nesting is deeper than 128 levels.
Result<Value> Parse(std::string_view text);

/// As Parse, and // and /* */ comments are allowed: our own configuration files.
Result<Value> ParseWithComments(std::string_view text);

/// One line, no spaces. Bytes that are not UTF-8 are replaced, never thrown at the caller.
std::string Write(const Value& value);
/// Two-space indentation, with a line feed at the end: for files people read.
std::string WritePretty(const Value& value);

/// Fails with kInvalidArgument for the first key of `object` that is not in `known`.
Result<> RejectUnknownKeys(const Value& object, const std::vector<std::string_view>& known);

namespace detail {
Error WrongType(std::string_view key, std::string_view wanted, const Value& found);
Result<> Read(const Value& value, std::string_view key, bool& out);
Result<> Read(const Value& value, std::string_view key, std::string& out);
Result<> Read(const Value& value, std::string_view key, double& out);
Result<> ReadSigned(const Value& value, std::string_view key, int64_t low, int64_t high,
                    int64_t& out);
Result<> ReadUnsigned(const Value& value, std::string_view key, uint64_t high, uint64_t& out);

template <std::integral T>
  requires(!std::is_same_v<T, bool>)
Result<> Read(const Value& value, std::string_view key, T& out) {
  if constexpr (std::is_signed_v<T>) {
    int64_t wide = 0;
    RETURN_IF_ERROR(
        ReadSigned(value, key, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), wide));
    out = static_cast<T>(wide);
  } else {
    uint64_t wide = 0;
    RETURN_IF_ERROR(ReadUnsigned(value, key, std::numeric_limits<T>::max(), wide));
    out = static_cast<T>(wide);
  }
  return {};
}

template <class T>
Result<> Read(const Value& value, std::string_view key, std::vector<T>& out) {
  if (!value.is_array()) return std::unexpected(WrongType(key, "a list", value));
  std::vector<T> items;
  for (size_t i = 0; i < value.size(); ++i) {
    T item{};
    RETURN_IF_ERROR(Read(value[i], fmt::format("[{}]", i), item), key);
    items.push_back(std::move(item));
  }
  out = std::move(items);
  return {};
}

template <class T>
Result<> Read(const Value& value, std::string_view key, std::map<std::string, T>& out) {
  if (!value.is_object()) return std::unexpected(WrongType(key, "an object", value));
  std::map<std::string, T> items;
  for (const auto& [name, member] : value.items()) {
    RETURN_IF_ERROR(Read(member, name, items[name]), key);
  }
  out = std::move(items);
  return {};
}
}  // namespace detail

/// Overwrites `out` with object[key]. Absent and null leave `out` as it is.
/// Errors: kInvalidArgument "mtu: unexpected -1" for a wrong type or range.
/// T: bool, integers, double, std::string, std::vector<T>, std::map<std::string, T>.
template <class T>
Result<> ReadOptional(const Value& object, std::string_view key, T& out) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  return detail::Read(*found, key, out);
}

/// As ReadOptional, and absent is kInvalidArgument "name: missing".
template <class T>
Result<> ReadRequired(const Value& object, std::string_view key, T& out) {
  if (!object.is_object() || !object.contains(key)) {
    return Fail(Code::kInvalidArgument, "{}: missing", key);
  }
  return detail::Read(object.find(key).value(), key, out);
}

}  // namespace trivet::json
