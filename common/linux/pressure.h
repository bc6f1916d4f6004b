#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/error.h"

namespace trivet {

/// One line of a pressure file.
struct PressureLine {
  double avg10 = 0;  // percent of the last 10, 60, 300 seconds
  double avg60 = 0;
  double avg300 = 0;
  uint64_t total_us = 0;
};

/// Pressure stall information: how long tasks waited for a resource.
/// Source: Documentation/accounting/psi.rst.
struct Pressure {
  PressureLine some;  // at least one task waited
  PressureLine full;  // all tasks waited at once
};

/// Errors: kInternal for a text that is no pressure file.
Result<Pressure> ParsePressure(std::string_view text);

}  // namespace trivet
