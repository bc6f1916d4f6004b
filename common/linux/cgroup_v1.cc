#include "common/linux/cgroup_v1.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "common/base/unique_fd.h"
#include "common/linux/cgroup_tree.h"
#include "common/linux/file.h"

namespace trivet {
namespace {

// What limits and statistics need. cpuset comes in when asked for: an empty one would have to be
// copied from its parent before a process can enter.
constexpr std::string_view kNeeded[] = {"cpu", "cpuacct", "memory", "pids"};
constexpr const char* kOnDemand = "cpuset";
constexpr const char* kHugepages = "hugetlb";  // when asked for, too
constexpr const char* kDevices = "devices";    // likewise: a privileged container needs none

bool IsNeeded(std::string_view controller) {
  return std::ranges::find(kNeeded, controller) != std::end(kNeeded);
}

// One name for each hierarchy: cpu and cpuacct may be one under two.
std::vector<std::string> HierarchiesOf(const std::filesystem::path& root,
                                       const std::vector<std::string>& controllers) {
  std::vector<std::string> names;
  std::vector<std::pair<dev_t, ino_t>> known;
  for (const std::string& controller : controllers) {
    struct stat status{};
    if (::stat((root / controller).c_str(), &status) != 0) continue;
    const std::pair identity(status.st_dev, status.st_ino);
    if (std::ranges::find(known, identity) != known.end()) continue;
    known.push_back(identity);
    names.push_back(controller);
  }
  return names;
}

Result<> SetMemory(const std::filesystem::path& folder, const CgroupLimits& limits) {
  const std::filesystem::path memory = folder / "memory.limit_in_bytes";
  const std::filesystem::path both = folder / "memory.memsw.limit_in_bytes";
  const auto set_memory = [&]() -> Result<> {
    if (!limits.memory_bytes) return {};
    return WriteControlFile(memory, std::to_string(*limits.memory_bytes));
  };
  const auto set_both = [&]() -> Result<> {
    if (!limits.memory_and_swap_bytes) return {};
    auto written = WriteControlFile(both, std::to_string(*limits.memory_and_swap_bytes));
    if (!written && written.error().code() == Code::kNotFound) return {};  // swap is not counted
    return written;
  };
  // memory <= memory and swap must hold after each write: which goes first depends on the
  // direction.
  if (set_memory()) return set_both();
  RETURN_IF_ERROR(set_both());
  return set_memory();
}

Result<> SetCpu(const std::filesystem::path& folder, const CgroupLimits& limits) {
  if (limits.cpu_shares) {
    RETURN_IF_ERROR(WriteControlFile(folder / "cpu.shares", std::to_string(*limits.cpu_shares)));
  }
  const auto set_period = [&]() -> Result<> {
    if (!limits.cpu_period_us) return {};
    return WriteControlFile(folder / "cpu.cfs_period_us", std::to_string(*limits.cpu_period_us));
  };
  const auto set_quota = [&]() -> Result<> {
    if (!limits.cpu_quota_us) return {};
    const int64_t quota_us = *limits.cpu_quota_us <= 0 ? -1 : *limits.cpu_quota_us;
    return WriteControlFile(folder / "cpu.cfs_quota_us", std::to_string(quota_us));
  };
  // After each write quota / period must not be above the parent's: which goes first depends on the
  // direction.
  if (set_period()) return set_quota();
  RETURN_IF_ERROR(set_quota());
  return set_period();
}

// An empty cpuset takes no process, and its parent must have what it is to have: parents first.
Result<> InheritCpuset(const std::filesystem::path& hierarchy, const std::filesystem::path& group) {
  std::filesystem::path folder = hierarchy;
  for (const auto& name : group) {
    const std::filesystem::path parent = folder;
    folder /= name;
    for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
      ASSIGN_OR_RETURN(const std::string own, ReadFile(folder / file));
      if (own.find_first_not_of(" \n") != std::string::npos) continue;
      ASSIGN_OR_RETURN(const std::string inherited, ReadFile(parent / file));
      RETURN_IF_ERROR(WriteControlFile(folder / file, inherited));
    }
  }
  return {};
}

// "2MB" as the kernel names its pool of them: "hugepages-2048kB".
std::string PoolOf(const std::string& page_size) {
  uint64_t kib = 0;
  const char* const end = page_size.data() + page_size.size();
  const auto [unit, error] = std::from_chars(page_size.data(), end, kib);
  const std::string_view name(unit, static_cast<size_t>(end - unit));
  if (name == "MB") kib <<= 10;
  if (name == "GB") kib <<= 20;
  return fmt::format("hugepages-{}kB", kib);
}

// Source: Documentation/admin-guide/mm/hugetlbpage.rst.
bool HasPages(const std::filesystem::path& pools, const std::string& page_size) {
  const std::filesystem::path pool = pools / PoolOf(page_size);
  return cgroup_tree::ReadNumber(pool / "nr_hugepages").value_or(0) != 0 ||
         cgroup_tree::ReadNumber(pool / "nr_overcommit_hugepages").value_or(0) != 0;
}

// The kubelet sends a limit of 0 for every size that is not asked for. Where the node has no such
// pages it is left away: it would cost every container an attach.
Result<> SetHugepages(const std::filesystem::path& root, const std::filesystem::path& folder,
                      const CgroupLimits& limits) {
  const bool counted = std::filesystem::exists(root / kHugepages / "cgroup.procs");
  // Of the sysfs that `root`, "/sys/fs/cgroup", is in.
  const std::filesystem::path pools = root.parent_path().parent_path() / "kernel/mm/hugepages";
  for (const auto& [size, bytes] : limits.hugepages_bytes) {
    const bool felt = counted && (std::filesystem::exists(folder) || HasPages(pools, size));
    if (bytes == 0 && !felt) continue;
    if (!counted) {
      return Fail(Code::kFailedPrecondition, "hugepage_limits: this node does not count them");
    }
    RETURN_IF_ERROR(EnsureDirectory(folder, 0755));
    RETURN_IF_ERROR(WriteControlFile(folder / fmt::format("hugetlb.{}.limit_in_bytes", size),
                                     std::to_string(bytes)),
                    "hugepage_limits");
  }
  return {};
}

// Brings what has been running in and below a group, whose folder in another hierarchy is `from`,
// into one that came with a limit: it is not there by itself.
Result<> BringMembers(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (!std::filesystem::exists(to)) return {};
  const auto left = [&]() -> Result<std::vector<pid_t>> {
    ASSIGN_OR_RETURN(std::vector<pid_t> members, cgroup_tree::Processes(from));
    ASSIGN_OR_RETURN(std::vector<pid_t> there, cgroup_tree::Processes(to));
    return cgroup_tree::Without(std::move(members), std::move(there));
  };
  RETURN_IF_ERROR(cgroup_tree::MoveAll(left, to));
  return {};
}

Result<> SetCpuset(const std::filesystem::path& hierarchy, const std::string& group,
                   const std::filesystem::path& folder, const CgroupLimits& limits) {
  RETURN_IF_ERROR(EnsureDirectory(folder, 0755));
  RETURN_IF_ERROR(InheritCpuset(hierarchy, std::filesystem::path(group).relative_path()));
  if (!limits.cpuset_cpus.empty()) {
    RETURN_IF_ERROR(WriteControlFile(folder / "cpuset.cpus", limits.cpuset_cpus));
  }
  if (limits.cpuset_mems.empty()) return {};
  return WriteControlFile(folder / "cpuset.mems", limits.cpuset_mems);
}

// One rule a write.
Result<> AllowDevices(const std::filesystem::path& file, const std::vector<DeviceRule>& rules) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", file.native());
  for (const DeviceRule& rule : rules) {
    const std::string line = ToLine(rule);
    if (::write(fd.get(), line.data(), line.size()) < 0) {
      return FailErrno("write '{}' to {}", line, file.native());
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Cgroups>> LegacyCgroups::Open(const std::filesystem::path& root) {
  std::vector<std::string> controllers;
  for (const char* name : {"cpu", "cpuacct", "memory", "pids", "cpuset", "hugetlb", "devices"}) {
    if (std::filesystem::exists(root / name / "cgroup.procs")) controllers.emplace_back(name);
  }
  if (controllers.empty()) {
    return Fail(Code::kFailedPrecondition, "no cgroup hierarchy at {}", root.native());
  }
  std::vector<std::string> hierarchies = HierarchiesOf(root, controllers);
  return std::unique_ptr<Cgroups>(
      new LegacyCgroups(root, std::move(controllers), std::move(hierarchies)));
}

std::filesystem::path LegacyCgroups::FolderOf(const std::string& controller,
                                              const std::string& group) const {
  return cgroup_tree::FolderIn(root_.native() + "/" + controller, group);
}

Result<> LegacyCgroups::Create(const std::string& group) {
  for (const std::string& hierarchy : hierarchies_) {
    if (!IsNeeded(hierarchy)) continue;
    RETURN_IF_ERROR(EnsureDirectory(FolderOf(hierarchy, group), 0755), "create cgroup " + group);
  }
  return {};
}

Result<> LegacyCgroups::SetLimits(const std::string& group, const CgroupLimits& limits) {
  if (!limits.unified.empty()) {
    return Fail(Code::kFailedPrecondition, "unified: this node has cgroup v1");
  }
  RETURN_IF_ERROR(SetMemory(FolderOf("memory", group), limits));
  RETURN_IF_ERROR(SetCpu(FolderOf("cpu", group), limits));
  if (limits.pids) {
    RETURN_IF_ERROR(WriteControlFile(FolderOf("pids", group) / "pids.max",
                                     *limits.pids < 0 ? "max" : std::to_string(*limits.pids)));
  }
  const std::filesystem::path members = FolderOf(controllers_.front(), group);
  if (!limits.hugepages_bytes.empty()) {
    const std::filesystem::path folder = FolderOf(kHugepages, group);
    RETURN_IF_ERROR(SetHugepages(root_, folder, limits));
    RETURN_IF_ERROR(BringMembers(members, folder));
  }
  if (limits.cpuset_cpus.empty() && limits.cpuset_mems.empty()) return {};
  const std::filesystem::path folder = FolderOf(kOnDemand, group);
  RETURN_IF_ERROR(SetCpuset(root_ / kOnDemand, group, folder, limits));
  return BringMembers(members, folder);
}

Result<> LegacyCgroups::CheckDeviceControl() const {
  if (std::ranges::find(controllers_, kDevices) != controllers_.end()) return {};
  return Fail(Code::kFailedPrecondition, "cgroup v1: the hierarchy {} is not mounted",
              (root_ / kDevices).native());
}

// What the parent may not is refused by the kernel, rule by rule.
Result<> LegacyCgroups::SetDevices(const std::string& group, const std::vector<DeviceRule>& rules) {
  RETURN_IF_ERROR(CheckDeviceControl());
  const std::filesystem::path folder = FolderOf(kDevices, group);
  RETURN_IF_ERROR(EnsureDirectory(folder, 0755));
  RETURN_IF_ERROR(WriteControlFile(folder / "devices.deny", "a"));
  return AllowDevices(folder / "devices.allow", rules);
}

Result<> LegacyCgroups::Remove(const std::string& group) {
  for (const std::string& hierarchy : hierarchies_) {
    RETURN_IF_ERROR(cgroup_tree::Remove(FolderOf(hierarchy, group)));
  }
  return {};
}

Result<> LegacyCgroups::Kill(const std::string& group, std::chrono::milliseconds timeout) {
  for (const std::string& hierarchy : hierarchies_) {
    RETURN_IF_ERROR(cgroup_tree::KillAll(FolderOf(hierarchy, group), timeout));
  }
  return {};
}

Result<std::vector<pid_t>> LegacyCgroups::Processes(const std::string& group) const {
  return cgroup_tree::Processes(FolderOf(controllers_.front(), group));
}

Result<uint64_t> LegacyCgroups::ReadOomKills(const std::string& group) const {
  return cgroup_tree::ReadKey(FolderOf("memory", group) / "memory.oom_control", "oom_kill");
}

std::filesystem::path LegacyCgroups::BirthFolder(const std::string& /*group*/) const {
  return {};
}

// What Create makes is there.
std::vector<std::filesystem::path> LegacyCgroups::EntryFiles(const std::string& group) const {
  std::vector<std::filesystem::path> files;
  for (const std::string& hierarchy : hierarchies_) {
    const std::filesystem::path folder = FolderOf(hierarchy, group);
    const bool there = IsNeeded(hierarchy) || ::access(folder.c_str(), F_OK) == 0;
    if (there) files.push_back(folder / "tasks");
  }
  return files;
}

}  // namespace trivet
