#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/linux/process.h"

namespace trivet {

/// {number in the child, descriptor here}. 0, 1 and 2 that are not named are /dev/null.
using InheritedFds = std::vector<std::pair<int, int>>;

/// A program to start.
struct Command {
  std::filesystem::path program;                        // absolute: no PATH search
  std::vector<std::string> args;                        // without the program's own name
  std::optional<std::vector<std::string>> environment;  // "K=V"; absent: this process's
  std::string name;                                     // argv[0]; empty: the program
};

/// Starts a program that may outlive this process, in a session of its own. It inherits `fds` and
/// nothing else, has no signal blocked and all dispositions default. The caller reaps the child.
/// Errors: kNotFound, kPermissionDenied, ... of the program's execve.
Result<Child> StartCommand(const Command& command, const InheritedFds& fds);

struct RunLimits {
  std::chrono::milliseconds timeout{30'000};
  size_t output_bytes = size_t{1} << 20;  // of each of stdout and stderr; the rest is dropped
};

struct RunOutput {
  int exit_code = 0;  // 128 + signal when killed
  std::string out;
  std::string err;
};

/// Runs a program to its end with `input` as its standard input. An exit code that is not 0 is no
/// error here. At the deadline its session's process group is killed.
/// Errors: as StartCommand; kDeadlineExceeded.
Result<RunOutput> RunCommand(const Command& command, std::string_view input = {},
                             const RunLimits& limits = {});

}  // namespace trivet
