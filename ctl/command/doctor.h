#pragma once

#include "common/base/error.h"
#include "ctl/doctor/check.h"

namespace trivet::ctl {

/// `trivetctl doctor`: looks at the node and says what it can do. The exit status: 0 when pods can
/// run, 1 when something that all of them need is missing or cannot be tried.
int Doctor(const doctor::Host& host, bool json);

}  // namespace trivet::ctl
