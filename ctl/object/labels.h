#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "ctl/object/fields.h"

namespace trivet::ctl {

/// A label's key, "app" or "example.org/app". Source: Kubernetes, "Labels and Selectors".
bool IsLabelKey(std::string_view text);
/// Its value: empty, or at most 63 letters, digits, '-', '_' and '.', letters or digits at the
/// ends.
bool IsLabelValue(std::string_view text);

/// Reads the map at `key`. Errors: kInvalidArgument naming the label that is none.
Result<> ReadLabels(Fields& fields, std::string_view key, std::map<std::string, std::string>& out);

/// Checks a label selector: matchLabels and matchExpressions.
Result<> CheckSelector(Fields selector);

}  // namespace trivet::ctl
