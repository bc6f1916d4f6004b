#include <algorithm>
#include <cstdio>
#include <sstream>

#include "common/linux/cgroup_tree.h"
#include "common/linux/cgroup_v2.h"
#include "common/linux/file.h"

// What the files of the unified hierarchy say.
// Source: Documentation/admin-guide/cgroup-v2.rst.
namespace trivet {
namespace {

using cgroup_tree::KeyedNumbers;
using cgroup_tree::ReadNumber;

constexpr uint64_t kNsPerUs = 1000;

std::optional<uint64_t> Optional(const Result<uint64_t>& number) {
  return number ? std::optional(*number) : std::nullopt;
}

// "max" is none.
std::optional<uint64_t> Limit(const Result<uint64_t>& number) {
  return number && *number != UINT64_MAX ? std::optional(*number) : std::nullopt;
}

std::optional<Pressure> ReadPressure(const std::filesystem::path& file) {
  const auto text = ReadFile(file);
  if (!text) return std::nullopt;  // a kernel without PSI, or with psi=0
  const auto pressure = ParsePressure(*text);
  return pressure ? std::optional(*pressure) : std::nullopt;
}

// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0"
std::vector<DeviceIo> ReadIo(const std::filesystem::path& file) {
  std::vector<DeviceIo> devices;
  std::istringstream lines(ReadFile(file).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    DeviceIo io;
    unsigned long long n[4] = {};
    if (std::sscanf(line.c_str(), "%u:%u rbytes=%llu wbytes=%llu rios=%llu wios=%llu", &io.major,
                    &io.minor, &n[0], &n[1], &n[2], &n[3]) != 6) {
      continue;
    }
    io.read_bytes = n[0], io.written_bytes = n[1], io.reads = n[2], io.writes = n[3];
    devices.push_back(io);
  }
  return devices;
}

// "hugetlb.2MB.current"
std::vector<HugepageUse> ReadHugepages(const std::filesystem::path& folder) {
  std::vector<HugepageUse> uses;
  const auto names = ListDirectory(folder);
  if (!names) return uses;
  constexpr std::string_view kPrefix = "hugetlb.";
  constexpr std::string_view kSuffix = ".current";
  for (const std::string& name : *names) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const std::string size =
        name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    if (size.find('.') != std::string::npos) continue;  // hugetlb.2MB.rsvd.current
    // v2 keeps no high-water mark.
    const uint64_t usage_bytes = ReadNumber(folder / name).value_or(0);
    uses.push_back({.page_size = size, .usage_bytes = usage_bytes, .max_usage_bytes = usage_bytes});
  }
  return uses;
}

Result<> ReadCpu(const std::filesystem::path& folder, CgroupDetails& details) {
  ASSIGN_OR_RETURN(const auto stat, KeyedNumbers::Read(folder / "cpu.stat"));
  details.cpu_user_ns = stat.Get("user_usec") * kNsPerUs;
  details.cpu_system_ns = stat.Get("system_usec") * kNsPerUs;
  details.cpu_periods = stat.Get("nr_periods");
  details.cpu_throttled_periods = stat.Get("nr_throttled");
  details.cpu_throttled_ns = stat.Get("throttled_usec") * kNsPerUs;
  return {};
}

}  // namespace

Result<CgroupStats> UnifiedCgroups::ReadStats(const std::string& group) const {
  const std::filesystem::path folder = FolderOf(group);
  CgroupStats stats;
  ASSIGN_OR_RETURN(const auto cpu, KeyedNumbers::Read(folder / "cpu.stat"));
  stats.cpu_usage_ns = cpu.Get("usage_usec") * kNsPerUs;
  ASSIGN_OR_RETURN(stats.memory_usage_bytes, ReadNumber(folder / "memory.current"));
  ASSIGN_OR_RETURN(const auto memory, KeyedNumbers::Read(folder / "memory.stat"));
  stats.memory_working_set_bytes =
      stats.memory_usage_bytes - std::min(memory.Get("inactive_file"), stats.memory_usage_bytes);
  stats.memory_rss_bytes = memory.Get("anon");
  stats.page_faults = memory.Get("pgfault");
  stats.major_page_faults = memory.Get("pgmajfault");
  stats.swap_usage_bytes = ReadNumber(folder / "memory.swap.current").value_or(0);
  ASSIGN_OR_RETURN(stats.processes, ReadNumber(folder / "pids.current"));
  stats.cpu_pressure = ReadPressure(folder / "cpu.pressure");
  stats.memory_pressure = ReadPressure(folder / "memory.pressure");
  stats.io_pressure = ReadPressure(folder / "io.pressure");
  return stats;
}

Result<CgroupDetails> UnifiedCgroups::ReadDetails(const std::string& group) const {
  const std::filesystem::path folder = FolderOf(group);
  CgroupDetails details;
  RETURN_IF_ERROR(ReadCpu(folder, details));
  ASSIGN_OR_RETURN(const auto memory, KeyedNumbers::Read(folder / "memory.stat"));
  details.memory_cache_bytes = memory.Get("file");
  details.memory_mapped_file_bytes = memory.Get("file_mapped");
  details.memory_kernel_bytes = memory.Get("kernel");
  details.memory_max_usage_bytes = Optional(ReadNumber(folder / "memory.peak"));
  details.memory_limit_bytes = Limit(ReadNumber(folder / "memory.max"));
  details.memory_reservation_bytes = Limit(ReadNumber(folder / "memory.low"));
  details.memory_swap_limit_bytes = Limit(ReadNumber(folder / "memory.swap.max"));
  if (const auto events = KeyedNumbers::Read(folder / "memory.events")) {
    details.memory_failures = events->Get("max");
    details.oom_kills = events->Get("oom_kill");
  }
  details.pids_limit = Limit(ReadNumber(folder / "pids.max"));
  details.io = ReadIo(folder / "io.stat");
  details.hugepages = ReadHugepages(folder);
  return details;
}

}  // namespace trivet
