#pragma once

#include <sys/resource.h>

#include "common/base/error.h"

namespace trivet {

/// Lets this process, and what it starts, have as many descriptors as it may. Gives the limit that
/// was there before: what a program that knows select(2) only is to be started with.
Result<rlimit> RaiseOpenFilesLimit();

}  // namespace trivet
