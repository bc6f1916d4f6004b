#pragma once

#include "common/base/error.h"

/// What keeps a container from reaching the shim it is cloned by.
namespace trivet::shim {

/// Runs the program again from a read-only mount of its own file, unless it already does: a
/// container that finds it through /proc/<pid>/exe of a child that has not called execve yet cannot
/// write to it (CVE-2019-5736). The mount is nowhere and costs no memory, unlike a copy.
/// Returns only when there is nothing to do.
Result<> EnsureReadOnlyProgram(char* const* argv);

/// Not dumpable (no ptrace, no /proc/<pid>/exe without CAP_SYS_PTRACE), last to be killed for lack
/// of memory where the node allows that, no descriptor number below 3 free, and every signal but
/// SIGPIPE, which is ignored, as the kernel starts a process with it: so the containers' are, too.
Result<> HardenProcess();

}  // namespace trivet::shim
