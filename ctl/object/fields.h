#pragma once

#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/json.h"

namespace trivet::ctl {

/// What a manifest asks for and this player does not do, one line each; nothing
/// that would change data or security is ever only a warning.
using Warnings = std::vector<std::string>;

/// Reads one object of a manifest. It knows its place ("pod.yaml:3: spec.volumes[0]")
/// for complaints, and which fields nobody asked for: those end in an error, so that
/// no field is ignored in silence.
class Fields {
 public:
  /// `object` and `warnings` are borrowed.
  Fields(const json::Value& object, std::string origin, std::string path, Warnings& warnings)
      : object_(&object),
        origin_(std::move(origin)),
        path_(std::move(path)),
        warnings_(&warnings) {}

  /// Sets `out` when the field is there. Errors: kInvalidArgument "place.field: reason".
  template <class T>
  Result<> Read(std::string_view key, T& out) {
    seen_.emplace(key);
    return Place(json::ReadOptional(*object_, key, out));
  }
  template <class T>
  Result<> Require(std::string_view key, T& out) {
    seen_.emplace(key);
    return Place(json::ReadRequired(*object_, key, out));
  }
  template <class T>
  Result<> Read(std::string_view key, std::optional<T>& out) {
    T value{};
    if (!Has(key)) return Read(key, value);
    RETURN_IF_ERROR(Read(key, value));
    out = std::move(value);
    return {};
  }

  /// The object at `key`, or nothing when absent or null.
  Result<std::optional<Fields>> Object(std::string_view key);
  /// The objects of the list at `key`; absent or null is an empty list.
  Result<std::vector<Fields>> List(std::string_view key);

  /// Fields without a meaning on one node that plays manifests once.
  void Accept(std::initializer_list<std::string_view> keys);
  /// Fields that a kubelet acts on and this player does not: one warning each when given.
  void Warn(std::initializer_list<std::string_view> keys, std::string_view what_happens);
  /// Errors: kInvalidArgument for the first field that was neither read nor accepted.
  Result<> Finish();

  [[nodiscard]] bool Has(std::string_view key) const;
  [[nodiscard]] const json::Value& object() const { return *object_; }
  /// "pod.yaml:3: spec.volumes[0].name: reason"; an empty `key` is the object itself.
  [[nodiscard]] std::unexpected<Error> Complain(std::string_view key,
                                                std::string_view reason) const;

 private:
  [[nodiscard]] std::string PathOf(std::string_view key) const;
  Result<> Place(Result<> result) const;

  const json::Value* object_;
  std::string origin_;
  std::string path_;
  Warnings* warnings_;
  std::set<std::string, std::less<>> seen_;
};

/// Names become parts of paths, labels and volume names: the Kubernetes rules are
/// checked where they are read. Errors: kInvalidArgument naming the field.
/// Source: RFC 1123 as Kubernetes uses it: a label has 63, a subdomain 253 characters.
Result<> ReadLabelName(Fields& fields, std::string_view key, std::string& out);
Result<> ReadSubdomainName(Fields& fields, std::string_view key, std::string& out);

}  // namespace trivet::ctl
