#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/json.h"

/// Records as JSON. One field list per struct serves writing and reading:
///
///   template <class Codec> void Fields(Codec& c, Metadata& m) { c("name", m.name); }
///
/// Members: bool, integers, std::string (any bytes), std::vector, std::map by name,
/// std::optional, enums with a `Names(E)` found by the compiler, and structs with a field list.
namespace trivet::state {

/// Any bytes as UTF-8 text and back: what JSON cannot carry, and '%', becomes %XX.
std::string EscapeBytes(std::string_view bytes);
Result<std::string> UnescapeBytes(std::string_view text);

class Writer {
 public:
  template <class T>
  void operator()(std::string_view key, T& member) {
    object_[std::string(key)] = Put(member);
  }
  [[nodiscard]] json::Value Take() && { return std::move(object_); }

 private:
  static json::Value Put(std::string& text) { return EscapeBytes(text); }
  template <class T>
  static json::Value Put(T& member) {
    if constexpr (std::is_enum_v<T>) {
      return Names(member).at(static_cast<size_t>(member));
    } else if constexpr (std::is_arithmetic_v<T>) {
      return member;
    } else {
      Writer writer;
      Fields(writer, member);
      return std::move(writer).Take();
    }
  }
  template <class T>
  static json::Value Put(std::vector<T>& items) {
    json::Value list = json::Value::array();
    for (T& item : items) list.push_back(Put(item));
    return list;
  }
  template <class T>
  static json::Value Put(std::map<std::string, T>& items) {
    json::Value object = json::Value::object();
    for (auto& [name, item] : items) object[EscapeBytes(name)] = Put(item);
    return object;
  }
  template <class T>
  static json::Value Put(std::optional<T>& item) {
    return item ? Put(*item) : json::Value(nullptr);
  }

  json::Value object_ = json::Value::object();
};

/// Members that are absent keep their defaults: an older record lacks what came later.
class Reader {
 public:
  explicit Reader(const json::Value& object) : object_(object) {}

  template <class T>
  void operator()(std::string_view key, T& member) {
    if (!status_) return;
    const auto found = object_.find(key);
    if (found == object_.end()) return;
    if (auto read = Get(*found, key, member); !read) {
      status_ = std::unexpected(std::move(read).error());
    }
  }
  [[nodiscard]] Result<> Take() && { return std::move(status_); }

 private:
  static Result<> Get(const json::Value& value, std::string_view key, std::string& out) {
    std::string text;
    RETURN_IF_ERROR(json::detail::Read(value, key, text));
    ASSIGN_OR_RETURN(out, UnescapeBytes(text), key);
    return {};
  }
  template <class T>
  static Result<> Get(const json::Value& value, std::string_view key, T& out) {
    if constexpr (std::is_enum_v<T>) {
      return GetEnum(value, key, out);
    } else if constexpr (std::is_arithmetic_v<T>) {
      return json::detail::Read(value, key, out);
    } else {
      if (!value.is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", key);
      Reader reader(value);
      Fields(reader, out);
      RETURN_IF_ERROR(std::move(reader).Take(), key);
      return {};
    }
  }
  template <class T>
  static Result<> GetEnum(const json::Value& value, std::string_view key, T& out) {
    const auto names = Names(out);
    for (size_t i = 0; i < names.size(); ++i) {
      if (value.is_string() && value.get_ref<const std::string&>() == names[i]) {
        out = static_cast<T>(i);
        return {};
      }
    }
    return Fail(Code::kInvalidArgument, "{}: unexpected {}", key, json::Write(value));
  }
  template <class T>
  static Result<> Get(const json::Value& value, std::string_view key, std::vector<T>& out) {
    if (!value.is_array()) return Fail(Code::kInvalidArgument, "{}: not a list", key);
    out.clear();
    for (const json::Value& item : value) {
      out.emplace_back();
      RETURN_IF_ERROR(Get(item, key, out.back()));
    }
    return {};
  }
  template <class T>
  static Result<> Get(const json::Value& value, std::string_view key,
                      std::map<std::string, T>& out) {
    if (!value.is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", key);
    out.clear();
    for (const auto& [name, item] : value.items()) {
      ASSIGN_OR_RETURN(const std::string plain, UnescapeBytes(name), key);
      RETURN_IF_ERROR(Get(item, key, out[plain]));
    }
    return {};
  }
  template <class T>
  static Result<> Get(const json::Value& value, std::string_view key, std::optional<T>& out) {
    if (value.is_null()) {
      out.reset();
      return {};
    }
    return Get(value, key, out.emplace());
  }

  const json::Value& object_;
  Result<> status_;
};

/// The version that this program writes; a newer one is refused.
constexpr int kRecordVersion = 1;

template <class T>
std::string Encode(const T& record) {
  Writer writer;
  // A field list is shared by both directions, so it takes a mutable struct; writing changes
  // nothing.
  Fields(writer, const_cast<T&>(record));
  json::Value object = std::move(writer).Take();
  object["version"] = kRecordVersion;
  return json::WritePretty(object);
}

/// Errors: kFailedPrecondition for a newer version; kInvalidArgument for what is no record.
Result<json::Value> ParseRecord(std::string_view text);

template <class T>
Result<T> Decode(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value object, ParseRecord(text));
  T record{};
  Reader reader(object);
  Fields(reader, record);
  RETURN_IF_ERROR(std::move(reader).Take());
  return record;
}

}  // namespace trivet::state
