#include "netpolicy/model/parse_fields.h"

namespace trivet::netpolicy::fields {
namespace {

const json::Value* Member(const json::Value& parent, std::string_view key) {
  if (!parent.is_object()) return nullptr;
  const auto found = parent.find(key);
  return found == parent.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

Result<const json::Value*> Object(const json::Value& parent, std::string_view key) {
  const json::Value* member = Member(parent, key);
  if (member != nullptr && !member->is_object()) {
    return Fail(Code::kInvalidArgument, "{}: not an object", key);
  }
  return member;
}

Result<const json::Value*> List(const json::Value& parent, std::string_view key) {
  const json::Value* member = Member(parent, key);
  if (member != nullptr && !member->is_array()) {
    return Fail(Code::kInvalidArgument, "{}: not a list", key);
  }
  return member;
}

}  // namespace trivet::netpolicy::fields
