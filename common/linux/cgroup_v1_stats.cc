#include <algorithm>

#include "common/linux/cgroup_tree.h"
#include "common/linux/cgroup_v1.h"
#include "common/linux/file.h"

// What the files of the v1 hierarchies say.
// Source: Documentation/admin-guide/cgroup-v1/{cpuacct,memory,pids,hugetlb,blkio-controller}.rst.
namespace trivet {
namespace {

using cgroup_tree::Folder;
using cgroup_tree::KeyedNumbers;
using cgroup_tree::ReadNumber;

constexpr uint64_t kNsPerTick = 10'000'000;  // USER_HZ is 100 on every architecture we run on

std::optional<uint64_t> Optional(const Result<uint64_t>& number) {
  return number ? std::optional(*number) : std::nullopt;
}

// Without a limit the kernel shows the largest multiple of a page.
std::optional<uint64_t> Limit(const Result<uint64_t>& number) {
  constexpr uint64_t kNone = uint64_t{1} << 62;
  return number && *number < kNone ? std::optional(*number) : std::nullopt;
}

Result<> ReadCpu(const std::filesystem::path& cpu, CgroupDetails& details) {
  ASSIGN_OR_RETURN(const auto stat, KeyedNumbers::Read(cpu / "cpu.stat"));
  details.cpu_periods = stat.Get("nr_periods");
  details.cpu_throttled_periods = stat.Get("nr_throttled");
  details.cpu_throttled_ns = stat.Get("throttled_time");
  return {};
}

void ReadMemory(const Folder& memory, CgroupDetails& details) {
  details.memory_kernel_bytes = Optional(memory.ReadNumber("memory.kmem.usage_in_bytes"));
  details.memory_max_usage_bytes = Optional(memory.ReadNumber("memory.max_usage_in_bytes"));
  details.memory_failures = memory.ReadNumber("memory.failcnt").value_or(0);
  details.memory_limit_bytes = Limit(memory.ReadNumber("memory.limit_in_bytes"));
  details.memory_reservation_bytes = Limit(memory.ReadNumber("memory.soft_limit_in_bytes"));
  details.memory_swap_limit_bytes = Limit(memory.ReadNumber("memory.memsw.limit_in_bytes"));
}

}  // namespace

Result<CgroupStats> LegacyCgroups::ReadStats(const std::string& group) const {
  CgroupStats stats;
  ASSIGN_OR_RETURN(stats.cpu_usage_ns, ReadNumber(FolderOf("cpuacct", group) / "cpuacct.usage"));
  ASSIGN_OR_RETURN(const Folder folder, Folder::Open(FolderOf("memory", group)));
  ASSIGN_OR_RETURN(stats.memory_usage_bytes, folder.ReadNumber("memory.usage_in_bytes"));
  ASSIGN_OR_RETURN(const auto memory, folder.ReadKeyed("memory.stat"));
  const uint64_t inactive = memory.Get("total_inactive_file");
  stats.memory_working_set_bytes =
      stats.memory_usage_bytes - std::min(inactive, stats.memory_usage_bytes);
  stats.memory_rss_bytes = memory.Get("total_rss");
  stats.memory_cache_bytes = memory.Get("total_cache");
  stats.memory_mapped_file_bytes = memory.Get("total_mapped_file");
  stats.page_faults = memory.Get("total_pgfault");
  stats.major_page_faults = memory.Get("total_pgmajfault");
  stats.swap_usage_bytes = memory.Get("total_swap");
  ASSIGN_OR_RETURN(stats.processes, ReadNumber(FolderOf("pids", group) / "pids.current"));
  return stats;
}

Result<CgroupDetails> LegacyCgroups::ReadDetails(const std::string& group) const {
  CgroupDetails details;
  ASSIGN_OR_RETURN(const auto cpuacct,
                   KeyedNumbers::Read(FolderOf("cpuacct", group) / "cpuacct.stat"));
  details.cpu_user_ns = cpuacct.Get("user") * kNsPerTick;
  details.cpu_system_ns = cpuacct.Get("system") * kNsPerTick;
  RETURN_IF_ERROR(ReadCpu(FolderOf("cpu", group), details));
  ASSIGN_OR_RETURN(const Folder memory, Folder::Open(FolderOf("memory", group)));
  ReadMemory(memory, details);
  details.oom_kills = ReadOomKills(group).value_or(0);
  details.pids_limit = Limit(ReadNumber(FolderOf("pids", group) / "pids.max"));
  return details;
}

}  // namespace trivet
