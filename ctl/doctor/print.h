#pragma once

#include <ostream>
#include <vector>

#include "ctl/doctor/check.h"

namespace trivet::ctl::doctor {

/// One line each, and how to fix it below what is not in order; at the end the sums.
void PrintText(std::ostream& out, const std::vector<Finding>& findings);

/// {"usable": bool, "findings": [{"area", "what", "state", "required", "detail", "neededFor",
/// "fix"}]}
void PrintJson(std::ostream& out, const std::vector<Finding>& findings);

/// True when nothing that every pod needs is missing or unknown.
bool IsUsable(const std::vector<Finding>& findings);

}  // namespace trivet::ctl::doctor
