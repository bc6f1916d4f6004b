#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace trivet::stats {

struct ProcessCounts {
  uint64_t processes = 0;
  uint64_t file_descriptors = 0;
  uint64_t sockets = 0;                      // those of the descriptors that are sockets
  std::optional<uint64_t> open_files_limit;  // soft, of the first process; none: unlimited
};

/// Processes that end meanwhile are not counted.
ProcessCounts CountProcesses(const std::vector<pid_t>& pids,
                             const std::filesystem::path& proc = "/proc");

}  // namespace trivet::stats
