#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

/// Processes by pidfd: a number may be another process by the time it is used, a pidfd may not.
namespace trivet {

/// A child of this process that was not reaped yet. Dropping it neither kills nor reaps.
struct Child {
  pid_t pid = 0;
  UniqueFd pidfd;
};

/// How clone3(2) makes a child.
struct CloneFlags {
  uint64_t flags = 0;  // CLONE_NEW…, CLONE_PARENT; CLONE_VM and CLONE_THREAD must not be among them
  int cgroup_fd = -1;  // a cgroup v2 folder the child is born in, or -1
  int exit_signal = SIGCHLD;  // what the parent gets at the end; execve makes it SIGCHLD
};

/// clone3(2), fork-like: returns twice; in the child, pid is 0 and pidfd invalid. Only for a
/// process with one thread. The child must not return out of the caller's frame of resources: it
/// ends in execve or _exit.
/// Errors: kUnimplemented without clone3, kNotFound/kAborted for a cgroup that cannot take it.
Result<Child> Clone3(const CloneFlags& options);

/// Errors: kNotFound when there is no such process.
Result<UniqueFd> OpenPidfd(pid_t pid);

/// Sends a signal; a process that has ended already is success.
Result<> SendSignal(const UniqueFd& pidfd, int signal);

/// Whether a child that was cloned with another exit signal than SIGCHLD, and was not reaped,
/// executes a program or did so before it ended. It does so once execve can no longer fail, which
/// is before close-on-exec descriptors are closed. Does not wait.
/// Source: man 2 execve: the termination signal is reset; man 2 waitid: __WCLONE; begin_new_exec()
/// in fs/exec.c: the order.
bool HasExecuted(const UniqueFd& pidfd);

/// Reaps a child that has ended, whatever its exit signal: its exit code, or 128 + the signal that
/// killed it.
/// Nothing when it still runs after `timeout` (no timeout: waits as long as it takes).
Result<std::optional<int>> Reap(const UniqueFd& pidfd, std::chrono::milliseconds timeout);
Result<int> Reap(const UniqueFd& pidfd);

/// When the process began, in clock ticks since boot: with the pid it names a process for ever.
/// Source: field 22 "starttime" of /proc/<pid>/stat, man 5 proc. Errors: kNotFound.
Result<uint64_t> ReadStartTime(pid_t pid, const std::filesystem::path& proc = "/proc");

}  // namespace trivet
