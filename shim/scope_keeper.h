#pragma once

#include "common/base/error.h"

namespace trivet::shim {

/// `trivet-shim --keep-scope`: leaves a process behind that holds one of systemd's scopes, says its
/// number on standard output, and returns. What is left ends when standard input is closed before a
/// byte came, and otherwise when it is killed. It is not chosen by the OOM killer.
Result<> LeaveScopeKeeper();

}  // namespace trivet::shim
