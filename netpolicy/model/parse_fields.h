#pragma once

#include <string>
#include <string_view>

#include "common/base/json.h"

/// Walking an untrusted object: members by type, errors by path.
namespace trivet::netpolicy::fields {

/// The member, or null when it is absent or null. Errors: kInvalidArgument when it has another
/// type than asked for.
Result<const json::Value*> Object(const json::Value& parent, std::string_view key);
Result<const json::Value*> List(const json::Value& parent, std::string_view key);

/// Calls `read(item)` for every item of the list at `key`, which must be objects; the error names
/// "key[index]".
template <class Read>
Result<> ForEachObject(const json::Value& parent, std::string_view key, Read read) {
  ASSIGN_OR_RETURN(const json::Value* list, List(parent, key));
  if (list == nullptr) return {};
  for (size_t i = 0; i < list->size(); ++i) {
    const json::Value& item = (*list)[i];
    const std::string place = fmt::format("{}[{}]", key, i);
    if (!item.is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", place);
    RETURN_IF_ERROR(read(item), place);
  }
  return {};
}

}  // namespace trivet::netpolicy::fields
