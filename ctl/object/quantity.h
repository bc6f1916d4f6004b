#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/error.h"
#include "common/base/json.h"

/// Kubernetes quantities: "500m", "64Mi", "1.5", "2e3", 4.
namespace trivet::ctl {

/// In whole units, rounded up as Kubernetes does: "1.5Ki" is 1536 bytes, "1m" is 1.
/// Errors: kInvalidArgument with the text; also below zero or beyond int64.
Result<int64_t> ParseQuantity(std::string_view text);

/// In thousandths, rounded up: "0.5" is 500 milliCPU.
Result<int64_t> ParseMilliQuantity(std::string_view text);

/// The text of a quantity in a manifest, where numbers need no quotes.
Result<std::string> QuantityText(const json::Value& value);

}  // namespace trivet::ctl
