#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace trivet::csi {

/// Where the program is: in /usr/sbin, /sbin, /usr/bin or /bin.
/// Errors: kUnavailable when this node does not have it.
Result<std::filesystem::path> FindProgram(const std::string& name);

/// Runs a program of e2fsprogs or xfsprogs and returns its exit status. `said` of the outcome is
/// its last line.
struct ToolOutcome {
  int exit_status = 0;
  std::string said;
};

/// `argv[0]` is a bare name. Errors: kUnavailable when this node does not have the
/// program; kDeadlineExceeded when it was killed, with its process group.
Result<ToolOutcome> RunTool(const std::vector<std::string>& argv, std::chrono::seconds deadline);

/// As RunTool, and an exit status other than 0 is kInternal with the program's last line.
Result<> RunToolChecked(const std::vector<std::string>& argv, std::chrono::seconds deadline);

}  // namespace trivet::csi
