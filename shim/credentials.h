#pragma once

#include "shim/process_plan.h"
#include "shim/report.h"

namespace trivet::shim {

/// Becomes the user with the groups and capabilities of `plan`, and loads the seccomp filter as
/// late as the kernel allows. In a child; async-signal-safe.
void TakeCredentials(const ProcessPlan& plan, const Reporter& report);

}  // namespace trivet::shim
