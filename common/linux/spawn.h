#pragma once

#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/process.h"

namespace trivet {

/// What a child does between its birth and execve(2). All is made ready before: the child shares
/// the memory of this process, which has other threads.
struct SpawnPlan {
  const char* program = nullptr;
  char* const* args = nullptr;         // with the program's name, and a null pointer at the end
  char* const* environment = nullptr;  // likewise
  // {number in the child, descriptor here}: those here are above all numbers. 0, 1 and 2 that are
  // not named are /dev/null.
  std::vector<std::pair<int, UniqueFd>> fds;
  int above = 3;  // the first number that the child does not keep
};

/// Starts a program in a session of its own, with no signal blocked and all dispositions default,
/// as posix_spawn(3) would: by CLONE_VM and CLONE_VFORK, but on the caller's own stack. To map and
/// unmap one interrupts all processors on which this process runs.
/// Errors: kNotFound, kPermissionDenied, ... of execve, naming args[0].
Result<Child> Spawn(const SpawnPlan& plan);

}  // namespace trivet
