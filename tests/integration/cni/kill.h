#pragma once

#include "common/base/json.h"
#include "common/linux/command.h"

namespace trivet::cni {

/// How far apart the system calls are that a test kills at: a sanitizer's own are many, and each
/// run is slow.
int KillStride();

/// How far apart they are in the tests that are long already: $TRIVET_KILL_STRIDE, of suite fault.
int LongKillStride();

enum class End { kKilled, kSucceeded };

/// Runs the plugin with `conf` on its standard input and kills it as it enters its system call
/// number `at`, all threads counted. One that ends before must end with success.
End KillAtSystemCall(const Command& command, const json::Value& conf, int at);

/// How many system calls the plugin makes, all threads counted. It must succeed.
int CountSystemCalls(const Command& command, const json::Value& conf);

}  // namespace trivet::cni
