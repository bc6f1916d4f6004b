#pragma once

#include <sys/resource.h>

#include "common/base/error.h"

namespace trivet {

/// RLIMIT_NOFILE as a daemon should have it: soft as hard, up to a million. Some programs close
/// every number that they may have, one by one, and "infinity" is a thousand million of them. Pure.
rlimit EnoughOpenFiles(const rlimit& now);

/// Lets this process, and what it starts, have EnoughOpenFiles. Gives the limit that was there
/// before: what a program that knows select(2) only is to be started with.
Result<rlimit> RaiseOpenFilesLimit();

}  // namespace trivet
