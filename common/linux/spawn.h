#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace trivet {

/// A program to run to its end. It gets /dev/null as input, a fixed environment
/// (PATH, LC_ALL=C), no descriptor of ours, default signals, and a process group
/// of its own.
struct SpawnRequest {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH
  std::chrono::milliseconds deadline{};
  size_t output_limit_bytes = 4096;  // what is beyond is read and dropped
};

/// How the program ended. Killed by a signal: 128 + its number, as a shell says it.
struct SpawnOutcome {
  int exit_status = 0;
  std::string output;  // standard output and standard error, as they came
};

/// Runs the program and waits for it. Safe in a threaded process: posix_spawn(3)
/// runs no code of ours in the child.
/// Errors: kNotFound when there is no such program; kDeadlineExceeded when it was
/// killed, with its whole process group, at the deadline.
Result<SpawnOutcome> Spawn(const SpawnRequest& request);

/// As Spawn, and an exit status other than 0 is kInternal with the last line the
/// program said: "run mkfs.ext4: exit status 1: ...".
Result<> SpawnChecked(const SpawnRequest& request);

}  // namespace trivet
