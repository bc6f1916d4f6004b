#include "cri-runtime/systemd/systemd_cgroups.h"

#include <algorithm>

#include "common/linux/file.h"
#include "cri-runtime/systemd/scope_keeper.h"
#include "cri-runtime/systemd/unit_name.h"

namespace trivet::systemd {
namespace {

constexpr std::string_view kKeeper = "trivet-scope\n";  // as /proc/<pid>/comm says it
constexpr std::string_view kKeepersGroup = "trivet-scope";

bool IsKeeper(pid_t pid) {
  const auto name = ReadFile(fmt::format("/proc/{}/comm", pid));
  return name && *name == kKeeper;
}

bool Exists(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder, error);
}

std::string ParentOf(const std::string& group) {
  return group.substr(0, group.rfind('/'));
}

// Below the scope: a container that is to give controllers to groups of its own (systemd, a
// container runtime) must leave the scope's empty, and cannot move what it does not see.
Result<> MoveAside(pid_t keeper, const std::filesystem::path& scope) {
  const std::filesystem::path folder = scope / kKeepersGroup;
  RETURN_IF_ERROR(EnsureDirectory(folder, 0755), "scope keeper");
  return WriteControlFile(folder / "cgroup.procs", std::to_string(keeper));
}

// The keeper is a process, too.
CgroupLimits WithRoomForTheKeeper(CgroupLimits limits) {
  if (limits.pids && *limits.pids >= 0) ++*limits.pids;
  return limits;
}

}  // namespace

Result<std::unique_ptr<Cgroups>> SystemdCgroups::Open(const std::filesystem::path& root,
                                                      const std::filesystem::path& shim) {
  ASSIGN_OR_RETURN(auto files, Cgroups::Open(root));
  if (!files->is_v2()) {
    return Fail(Code::kFailedPrecondition,
                "cgroupDriver: systemd needs cgroup v2, and {} is v1: use cgroupfs", root.native());
  }
  std::unique_ptr<SystemdCgroups> cgroups(new SystemdCgroups(std::move(files), shim));
  RETURN_IF_ERROR(cgroups->manager_.ReadVersion(), "cgroupDriver");
  return std::unique_ptr<Cgroups>(std::move(cgroups));
}

Result<> SystemdCgroups::Create(const std::string& group) {
  if (Exists(BirthFolder(group))) return {};
  const std::string unit = UnitOf(group);
  if (IsScope(unit)) return MakeScope(group);
  if (IsSlice(unit)) return manager_.Start(unit);
  return Fail(Code::kInvalidArgument, "create cgroup {}: neither a slice nor a scope", group);
}

// systemd makes the slice that it names, and those above.
Result<> SystemdCgroups::MakeScope(const std::string& group) const {
  const std::string unit = UnitOf(group);
  ASSIGN_OR_RETURN(ScopeKeeper keeper, ScopeKeeper::Start(shim_));
  RETURN_IF_ERROR(manager_.StartTransient(
      unit, {{"Description", "container group of trivet-cri"},
             {"Slice", UnitOf(ParentOf(group))},
             {"PIDs", std::vector<uint32_t>{static_cast<uint32_t>(keeper.pid())}},
             {"Delegate", true},
             {"CollectMode", std::string("inactive-or-failed")},
             // At a shutdown the kubelet ends pods in its own order.
             {"DefaultDependencies", false}}));
  if (!Exists(BirthFolder(group))) {
    return Fail(Code::kFailedPrecondition, "systemd: {} is not at {}", unit,
                BirthFolder(group).native());
  }
  RETURN_IF_ERROR(MoveAside(keeper.pid(), BirthFolder(group)));
  RETURN_IF_ERROR(std::move(keeper).LetGo());
  // Also the controllers that systemd does not know (hugetlb), down to the scope.
  return files_->Create(group);
}

Result<> SystemdCgroups::SetLimits(const std::string& group, const CgroupLimits& limits) {
  const std::string unit = UnitOf(group);
  const CgroupLimits all = IsScope(unit) ? WithRoomForTheKeeper(limits) : limits;
  ASSIGN_OR_RETURN(const Properties properties, PropertiesOf(all));
  if (!properties.empty()) RETURN_IF_ERROR(manager_.SetProperties(unit, properties));
  // systemd writes them later, and what it has no word for not at all; a value that the kernel
  // refuses is found out here.
  return files_->SetLimits(group, all);
}

Result<> SystemdCgroups::Remove(const std::string& group) {
  if (!Exists(BirthFolder(group))) return {};  // it went with its last process
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, files_->Processes(group));
  if (!pids.empty()) {
    return Fail(Code::kAborted, "remove cgroup {}: {} processes are in it", group, pids.size());
  }
  RETURN_IF_ERROR(manager_.Stop(UnitOf(group)));
  return files_->Remove(group);
}

Result<std::vector<pid_t>> SystemdCgroups::Processes(const std::string& group) const {
  ASSIGN_OR_RETURN(std::vector<pid_t> pids, files_->Processes(group));
  std::erase_if(pids, IsKeeper);
  return pids;
}

uint64_t SystemdCgroups::CountKeepers(const std::string& group) const {
  if (IsScope(group)) return 1;
  const auto names = ListDirectory(BirthFolder(group));
  return names ? static_cast<uint64_t>(std::ranges::count_if(*names, IsScope)) : 0;
}

Result<CgroupStats> SystemdCgroups::ReadStats(const std::string& group) const {
  ASSIGN_OR_RETURN(CgroupStats stats, files_->ReadStats(group));
  stats.processes -= std::min(stats.processes, CountKeepers(group));
  return stats;
}

Result<CgroupDetails> SystemdCgroups::ReadDetails(const std::string& group) const {
  ASSIGN_OR_RETURN(CgroupDetails details, files_->ReadDetails(group));
  if (details.pids_limit && IsScope(group)) --*details.pids_limit;
  return details;
}

}  // namespace trivet::systemd
