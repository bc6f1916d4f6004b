#include "common/linux/cgroup_v2.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

#include "common/linux/cgroup_tree.h"
#include "common/linux/device_program.h"
#include "common/linux/file.h"

namespace trivet {
namespace {

std::string LimitText(int64_t limit) {
  return limit < 0 ? "max" : std::to_string(limit);
}

Result<> SetMemory(const std::filesystem::path& folder, const CgroupLimits& limits) {
  if (limits.memory_bytes) {
    RETURN_IF_ERROR(WriteControlFile(folder / "memory.max", LimitText(*limits.memory_bytes)));
  }
  if (!limits.memory_and_swap_bytes || !std::filesystem::exists(folder / "memory.swap.max")) {
    return {};
  }
  // v2 counts swap on its own; the limit asked for is of memory and swap together.
  const int64_t both = *limits.memory_and_swap_bytes;
  const int64_t memory = limits.memory_bytes.value_or(-1);
  if (both >= 0 && (memory < 0 || memory > both)) {
    return Fail(Code::kInvalidArgument, "memory and swap limit {} is below the memory limit {}",
                both, memory);
  }
  return WriteControlFile(folder / "memory.swap.max", LimitText(both < 0 ? -1 : both - memory));
}

// "max 100000" in cpu.max: quota and period, microseconds. A part that is not asked for stays.
Result<> SetCpu(const std::filesystem::path& folder, const CgroupLimits& limits) {
  if (limits.cpu_shares) {
    RETURN_IF_ERROR(WriteControlFile(folder / "cpu.weight",
                                     std::to_string(CpuWeightOfShares(*limits.cpu_shares))));
  }
  if (!limits.cpu_quota_us && !limits.cpu_period_us) return {};
  std::string quota;
  if (limits.cpu_quota_us) {
    quota = *limits.cpu_quota_us <= 0 ? "max" : std::to_string(*limits.cpu_quota_us);
  } else {
    ASSIGN_OR_RETURN(quota, ReadFile(folder / "cpu.max"));
    quota.resize(std::min(quota.find(' '), quota.size()));
  }
  if (limits.cpu_period_us) quota += ' ' + std::to_string(*limits.cpu_period_us);
  return WriteControlFile(folder / "cpu.max", quota);
}

Result<> SetCpuset(const std::filesystem::path& folder, const CgroupLimits& limits) {
  if (!limits.cpuset_cpus.empty()) {
    RETURN_IF_ERROR(WriteControlFile(folder / "cpuset.cpus", limits.cpuset_cpus));
  }
  if (!limits.cpuset_mems.empty()) {
    RETURN_IF_ERROR(WriteControlFile(folder / "cpuset.mems", limits.cpuset_mems));
  }
  return {};
}

// What a kernel does not account it does not limit either: no limit of 0 is needed there.
Result<> SetHugepages(const std::filesystem::path& folder, const CgroupLimits& limits) {
  for (const auto& [size, bytes] : limits.hugepages_bytes) {
    const std::string prefix = "hugetlb." + size;
    auto set = WriteControlFile(folder / (prefix + ".max"), std::to_string(bytes));
    if (!set && bytes == 0 && set.error().code() == Code::kNotFound) continue;
    RETURN_IF_ERROR(set, "hugepage_limits");
    // What is reserved by mmap counts, too, where the kernel counts it.
    set = WriteControlFile(folder / (prefix + ".rsvd.max"), std::to_string(bytes));
    if (!set && set.error().code() != Code::kNotFound) return set;
  }
  return {};
}

Result<> SetUnified(const std::filesystem::path& folder, const CgroupLimits& limits) {
  for (const auto& [file, value] : limits.unified) {
    if (file.find('/') != std::string::npos || file.starts_with("cgroup.")) {
      return Fail(Code::kInvalidArgument, "unified: {} is not a controller's file", file);
    }
    RETURN_IF_ERROR(WriteControlFile(folder / file, value), "unified");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Cgroups>> UnifiedCgroups::Open(const std::filesystem::path& root) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(root / "cgroup.controllers"));
  std::istringstream words(text);
  std::vector<std::string> controllers;
  for (std::string word; words >> word;) controllers.push_back(word);
  return std::unique_ptr<Cgroups>(new UnifiedCgroups(root, std::move(controllers)));
}

std::filesystem::path UnifiedCgroups::FolderOf(const std::string& group) const {
  return cgroup_tree::FolderIn(root_.native(), group);
}

std::vector<std::string> UnifiedCgroups::Needed() const {
  std::vector<std::string> needed;
  for (const char* controller : {"cpu", "cpuset", "hugetlb", "memory", "pids"}) {
    if (std::ranges::find(controllers_, controller) != controllers_.end()) {
      needed.emplace_back(controller);
    }
  }
  return needed;
}

bool UnifiedCgroups::Delegates(const std::filesystem::path& folder) const {
  const auto enabled = ReadFile(folder / "cgroup.subtree_control");
  if (!enabled) return false;
  std::istringstream words(*enabled);
  const std::set<std::string> there(std::istream_iterator<std::string>(words), {});
  return std::ranges::all_of(Needed(), [&](const auto& name) { return there.contains(name); });
}

// A controller works in a group only when the group's parent has it enabled for its children.
Result<> UnifiedCgroups::Delegate(const std::filesystem::path& folder) const {
  std::string enable;
  for (const std::string& controller : Needed()) {
    enable += enable.empty() ? "+" : " +";
    enable += controller;
  }
  if (enable.empty()) return {};
  return WriteControlFile(folder / "cgroup.subtree_control", enable);
}

// What a group delegates all above it delegate: as a rule there is just the folder to be made, and
// nothing to be written, which would wait for whatever else changes groups on the node.
Result<> UnifiedCgroups::Create(const std::string& group) {
  if (Delegates(FolderOf(group).parent_path())) {
    RETURN_IF_ERROR(EnsureDirectory(FolderOf(group), 0755), "create cgroup " + group);
    return {};
  }
  std::filesystem::path folder = root_;
  for (const auto& name : std::filesystem::path(group).relative_path()) {
    RETURN_IF_ERROR(Delegate(folder), "create cgroup " + group);
    folder /= name;
    RETURN_IF_ERROR(EnsureDirectory(folder, 0755), "create cgroup " + group);
  }
  return {};
}

Result<> UnifiedCgroups::SetLimits(const std::string& group, const CgroupLimits& limits) {
  const std::filesystem::path folder = FolderOf(group);
  RETURN_IF_ERROR(SetMemory(folder, limits));
  RETURN_IF_ERROR(SetCpu(folder, limits));
  RETURN_IF_ERROR(SetCpuset(folder, limits));
  if (limits.pids) {
    RETURN_IF_ERROR(WriteControlFile(folder / "pids.max", LimitText(*limits.pids)));
  }
  RETURN_IF_ERROR(SetHugepages(folder, limits));
  return SetUnified(folder, limits);
}

Result<> UnifiedCgroups::CheckDeviceControl() const {
  ASSIGN_OR_RETURN(const std::vector<bpf_insn> program, MakeDeviceProgram({}));
  RETURN_IF_ERROR(LoadDeviceProgram(program));
  return {};
}

Result<> UnifiedCgroups::SetDevices(const std::string& group,
                                    const std::vector<DeviceRule>& rules) {
  ASSIGN_OR_RETURN(const auto program, device_programs_.Get(rules));
  return AttachDeviceProgram(FolderOf(group), *program);
}

Result<> UnifiedCgroups::Remove(const std::string& group) {
  return cgroup_tree::Remove(FolderOf(group));
}

Result<> UnifiedCgroups::Kill(const std::string& group, std::chrono::milliseconds timeout) {
  const std::filesystem::path folder = FolderOf(group);
  // One write kills the whole tree at once (Linux 5.14); where it is absent, and to wait, the
  // processes are gone through.
  const auto killed = WriteControlFile(folder / "cgroup.kill", "1");
  const bool gone = !killed && killed.error().sys_errno() == ENODEV;  // between open and write
  if (!killed && !gone && killed.error().code() != Code::kNotFound) return killed;
  return cgroup_tree::KillAll(folder, timeout);
}

Result<std::vector<pid_t>> UnifiedCgroups::Processes(const std::string& group) const {
  return cgroup_tree::Processes(FolderOf(group));
}

Result<uint64_t> UnifiedCgroups::ReadOomKills(const std::string& group) const {
  return cgroup_tree::ReadKey(FolderOf(group) / "memory.events", "oom_kill");
}

std::filesystem::path UnifiedCgroups::BirthFolder(const std::string& group) const {
  return FolderOf(group);
}

std::vector<std::filesystem::path> UnifiedCgroups::EntryFiles(const std::string& group) const {
  return {FolderOf(group) / "cgroup.procs"};
}

}  // namespace trivet
