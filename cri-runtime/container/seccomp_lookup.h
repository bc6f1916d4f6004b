#pragma once

#include "cri-runtime/container/seccomp_program.h"

namespace trivet::container {

/// A program with the same answers that finds a system call's number among the ranges of numbers
/// with one answer, and goes on with what `program` does where the answer depends on more.
/// The kernel checks, converts and compiles a filter whenever it is set, at each start and exec,
/// and asks it beforehand about each number of each architecture: it costs what the filter is long,
/// and what it takes to follow.
/// `program` itself when that is no longer, or when it does more with architecture and number than
/// to compare them with constants.
SeccompProgram LookUpByNumber(SeccompProgram program);

}  // namespace trivet::container
