#include "common/base/json.h"

namespace trivet::json {
namespace {

constexpr int kMaxDepth = 128;

Result<Value> ParseText(std::string_view text, bool comments) {
  bool too_deep = false;
  const auto check_depth = [&](int depth, Value::parse_event_t /*event*/, const Value& /*parsed*/) {
    if (depth > kMaxDepth) too_deep = true;
    return !too_deep;
  };
  try {
    Value value = Value::parse(text, check_depth, /*allow_exceptions=*/true, comments);
    if (too_deep) return Fail(Code::kInvalidArgument, "JSON nested deeper than {}", kMaxDepth);
    return value;
  } catch (const Value::exception& e) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." without the tag.
    const std::string_view what(e.what());
    const size_t tag = what.find("] ");
    return Fail(Code::kInvalidArgument, "{}",
                tag == std::string_view::npos ? what : what.substr(tag + 2));
  }
}

}  // namespace

Result<Value> Parse(std::string_view text) {
  return ParseText(text, false);
}

Result<Value> ParseWithComments(std::string_view text) {
  return ParseText(text, true);
}

std::string Write(const Value& value) {
  return value.dump(-1, ' ', false, Value::error_handler_t::replace);
}

std::string WritePretty(const Value& value) {
  return value.dump(2, ' ', false, Value::error_handler_t::replace) + "\n";
}

Result<> RejectUnknownKeys(const Value& object, const std::vector<std::string_view>& known) {
  if (!object.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return Fail(Code::kInvalidArgument, "{}: unknown key", key);
    }
  }
  return {};
}

namespace detail {

Error WrongType(std::string_view key, std::string_view wanted, const Value& found) {
  constexpr size_t kShown = 64;
  const std::string text = Write(found).substr(0, kShown);
  return {Code::kInvalidArgument, fmt::format("{}: unexpected {}, want {}", key, text, wanted)};
}

Result<> Read(const Value& value, std::string_view key, bool& out) {
  if (!value.is_boolean()) return std::unexpected(WrongType(key, "true or false", value));
  out = value.get<bool>();
  return {};
}

Result<> Read(const Value& value, std::string_view key, std::string& out) {
  if (!value.is_string()) return std::unexpected(WrongType(key, "a string", value));
  out = value.get<std::string>();
  return {};
}

Result<> Read(const Value& value, std::string_view key, double& out) {
  if (!value.is_number()) return std::unexpected(WrongType(key, "a number", value));
  out = value.get<double>();
  return {};
}

Result<> ReadSigned(const Value& value, std::string_view key, int64_t low, int64_t high,
                    int64_t& out) {
  const bool fits = value.is_number_unsigned()
                        ? value.get<uint64_t>() <= static_cast<uint64_t>(high)
                        : value.is_number_integer() && value.get<int64_t>() >= low &&
                              value.get<int64_t>() <= high;
  if (!fits) {
    return std::unexpected(WrongType(key, fmt::format("a number from {} to {}", low, high), value));
  }
  out = value.get<int64_t>();
  return {};
}

Result<> ReadUnsigned(const Value& value, std::string_view key, uint64_t high, uint64_t& out) {
  // A value that was not parsed from JSON text (a manifest's) may hold 80 as a signed number.
  const bool negative =
      value.is_number_integer() && !value.is_number_unsigned() && value.get<int64_t>() < 0;
  const bool fits = value.is_number_integer() && !negative && value.get<uint64_t>() <= high;
  if (!fits) {
    return std::unexpected(WrongType(key, fmt::format("a number from 0 to {}", high), value));
  }
  out = value.get<uint64_t>();
  return {};
}

}  // namespace detail
}  // namespace trivet::json
