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

using cgroup_tree::Folder;

constexpr uint64_t kNsPerUs = 1000;

std::optional<uint64_t> Optional(const Result<uint64_t>& number) {
  return number ? std::optional(*number) : std::nullopt;
}

// "max" is none.
std::optional<uint64_t> Limit(const Result<uint64_t>& number) {
  return number && *number != UINT64_MAX ? std::optional(*number) : std::nullopt;
}

std::optional<Pressure> ReadPressure(const Folder& folder, const char* file) {
  const auto text = folder.Read(file);
  if (!text) return std::nullopt;  // a kernel without PSI, or with psi=0
  const auto pressure = ParsePressure(*text);
  return pressure ? std::optional(*pressure) : std::nullopt;
}

// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0"
std::vector<DeviceIo> ReadIo(const Folder& folder) {
  std::vector<DeviceIo> devices;
  std::istringstream lines(folder.Read("io.stat").value_or(""));
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
std::vector<HugepageUse> ReadHugepages(const std::filesystem::path& path, const Folder& folder) {
  std::vector<HugepageUse> uses;
  const auto names = ListDirectory(path);
  if (!names) return uses;
  constexpr std::string_view kPrefix = "hugetlb.";
  constexpr std::string_view kSuffix = ".current";
  for (const std::string& name : *names) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const std::string size =
        name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    if (size.find('.') != std::string::npos) continue;  // hugetlb.2MB.rsvd.current
    // v2 keeps no high-water mark.
    const uint64_t usage_bytes = folder.ReadNumber(name.c_str()).value_or(0);
    uses.push_back({.page_size = size, .usage_bytes = usage_bytes, .max_usage_bytes = usage_bytes});
  }
  return uses;
}

Result<> ReadCpu(const Folder& folder, CgroupDetails& details) {
  ASSIGN_OR_RETURN(const auto stat, folder.ReadKeyed("cpu.stat"));
  details.cpu_user_ns = stat.Get("user_usec") * kNsPerUs;
  details.cpu_system_ns = stat.Get("system_usec") * kNsPerUs;
  details.cpu_periods = stat.Get("nr_periods");
  details.cpu_throttled_periods = stat.Get("nr_throttled");
  details.cpu_throttled_ns = stat.Get("throttled_usec") * kNsPerUs;
  return {};
}

}  // namespace

Result<CgroupStats> UnifiedCgroups::ReadStats(const std::string& group) const {
  ASSIGN_OR_RETURN(const Folder folder, Folder::Open(FolderOf(group)));
  CgroupStats stats;
  ASSIGN_OR_RETURN(const auto cpu, folder.ReadKeyed("cpu.stat"));
  stats.cpu_usage_ns = cpu.Get("usage_usec") * kNsPerUs;
  ASSIGN_OR_RETURN(stats.memory_usage_bytes, folder.ReadNumber("memory.current"));
  ASSIGN_OR_RETURN(const auto memory, folder.ReadKeyed("memory.stat"));
  stats.memory_working_set_bytes =
      stats.memory_usage_bytes - std::min(memory.Get("inactive_file"), stats.memory_usage_bytes);
  stats.memory_rss_bytes = memory.Get("anon");
  stats.memory_cache_bytes = memory.Get("file");
  stats.memory_mapped_file_bytes = memory.Get("file_mapped");
  stats.memory_kernel_bytes = memory.Get("kernel");
  stats.page_faults = memory.Get("pgfault");
  stats.major_page_faults = memory.Get("pgmajfault");
  stats.swap_usage_bytes = folder.ReadNumber("memory.swap.current").value_or(0);
  ASSIGN_OR_RETURN(stats.processes, folder.ReadNumber("pids.current"));
  stats.cpu_pressure = ReadPressure(folder, "cpu.pressure");
  stats.memory_pressure = ReadPressure(folder, "memory.pressure");
  stats.io_pressure = ReadPressure(folder, "io.pressure");
  return stats;
}

Result<CgroupDetails> UnifiedCgroups::ReadDetails(const std::string& group) const {
  ASSIGN_OR_RETURN(const Folder folder, Folder::Open(FolderOf(group)));
  CgroupDetails details;
  RETURN_IF_ERROR(ReadCpu(folder, details));
  details.memory_max_usage_bytes = Optional(folder.ReadNumber("memory.peak"));
  details.memory_limit_bytes = Limit(folder.ReadNumber("memory.max"));
  details.memory_reservation_bytes = Limit(folder.ReadNumber("memory.low"));
  details.memory_swap_limit_bytes = Limit(folder.ReadNumber("memory.swap.max"));
  if (const auto events = folder.ReadKeyed("memory.events")) {
    details.memory_failures = events->Get("max");
    details.oom_kills = events->Get("oom_kill");
  }
  details.pids_limit = Limit(folder.ReadNumber("pids.max"));
  details.io = ReadIo(folder);
  details.hugepages = ReadHugepages(FolderOf(group), folder);
  return details;
}

}  // namespace trivet
