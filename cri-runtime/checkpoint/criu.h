#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"

/// The program that takes processes apart: https://criu.org.
namespace trivet::checkpoint {

using Deadline = std::chrono::steady_clock::time_point;

struct Dump {
  pid_t pid = 0;                      // the root of the tree
  std::filesystem::path images;       // an empty folder
  std::filesystem::path work;         // an empty folder, for the log and statistics
  std::filesystem::path freezer;      // the group's folder, frozen, and so it is left
  std::vector<std::string> external;  // what is not the tree's own, as --external names it
  int kept_fd = -1;                   // open in the program while it runs
};

/// Errors: kUnimplemented when it is not installed.
Result<> CheckInstalled(const std::filesystem::path& criu);

/// Writes the images; the processes are as they were afterwards. At the deadline the program is
/// killed: a process that it was looking into may not survive that.
/// Errors: kFailedPrecondition with CRIU's own words; kDeadlineExceeded.
Result<> RunDump(const std::filesystem::path& criu, const Dump& dump, Deadline deadline);

}  // namespace trivet::checkpoint
