#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/linux/pressure.h"

namespace trivet {

/// What a group has used, with the groups below it. All that memory.stat says is here, so that it
/// is read once: the kernel adds up its numbers for each reader.
struct CgroupStats {
  uint64_t cpu_usage_ns = 0;
  uint64_t memory_usage_bytes = 0;
  uint64_t memory_working_set_bytes =
      0;  // usage without the inactive file cache, as the kubelet counts
  uint64_t memory_rss_bytes = 0;
  uint64_t memory_cache_bytes = 0;
  uint64_t memory_mapped_file_bytes = 0;
  std::optional<uint64_t> memory_kernel_bytes;  // v2; v1 has it in CgroupDetails
  uint64_t swap_usage_bytes = 0;
  uint64_t page_faults = 0;
  uint64_t major_page_faults = 0;
  uint64_t processes = 0;  // threads, too: what the pids controller counts
  // v2 with PSI only.
  std::optional<Pressure> cpu_pressure;
  std::optional<Pressure> memory_pressure;
  std::optional<Pressure> io_pressure;
};

/// Traffic with one block device.
struct DeviceIo {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint64_t read_bytes = 0;
  uint64_t written_bytes = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
};

struct HugepageUse {
  std::string page_size;  // "2MB"
  uint64_t usage_bytes = 0;
  uint64_t max_usage_bytes = 0;
};

/// What is asked for less often: counters behind the metrics, and the memory limits in force. A
/// member without a value is not known to this kernel; a limit without one is none.
struct CgroupDetails {
  uint64_t cpu_user_ns = 0;
  uint64_t cpu_system_ns = 0;
  uint64_t cpu_periods = 0;
  uint64_t cpu_throttled_periods = 0;
  uint64_t cpu_throttled_ns = 0;

  std::optional<uint64_t> memory_kernel_bytes;  // v1, in a file of its own
  std::optional<uint64_t> memory_max_usage_bytes;
  uint64_t memory_failures = 0;  // how often the limit was hit
  uint64_t oom_kills = 0;
  std::optional<uint64_t> memory_limit_bytes;
  std::optional<uint64_t> memory_reservation_bytes;
  std::optional<uint64_t> memory_swap_limit_bytes;  // v1: of memory and swap together

  std::optional<uint64_t> pids_limit;
  std::vector<DeviceIo> io;            // empty where the io controller is not in use
  std::vector<HugepageUse> hugepages;  // likewise hugetlb
};

}  // namespace trivet
