#include "common/linux/cgroup_freezer.h"

#include <unistd.h>

#include <thread>

#include "common/base/text.h"
#include "common/linux/cgroup_tree.h"
#include "common/linux/file.h"

namespace trivet {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(2);
constexpr const char* kV1State = "freezer.state";

// "6:freezer:/group": the hierarchy's line of /proc/<pid>/cgroup. Source: man 7 cgroups.
Result<std::string> ReadFreezerGroup(pid_t pid) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(fmt::format("/proc/{}/cgroup", pid)));
  for (const std::string_view line : SplitAt(text, '\n')) {
    const auto fields = SplitAt(line, ':');
    if (fields.size() < 3 || fields[1] != "freezer") continue;
    return std::string(line.substr(fields[0].size() + fields[1].size() + 2));
  }
  return Fail(Code::kInternal, "process {} is in no freezer group", pid);
}

}  // namespace

CgroupFreezer::CgroupFreezer(const Cgroups& cgroups, std::filesystem::path hierarchy,
                             std::string group)
    : cgroups_(&cgroups), hierarchy_(std::move(hierarchy)), group_(std::move(group)) {
  folder_ = is_v2() ? cgroups.BirthFolder(group_) : cgroup_tree::FolderIn(hierarchy_, group_);
  if (!is_v2()) origin_ = "/";
}

Result<CgroupFreezer> CgroupFreezer::Of(const Cgroups& cgroups, const std::filesystem::path& root,
                                        std::string group) {
  if (cgroups.is_v2()) return CgroupFreezer(cgroups, {}, std::move(group));
  const std::filesystem::path hierarchy = root / "freezer";
  if (!std::filesystem::exists(hierarchy / "cgroup.procs")) {
    return Fail(Code::kFailedPrecondition, "no freezer is mounted at {}", hierarchy.native());
  }
  return CgroupFreezer(cgroups, hierarchy, std::move(group));
}

Result<> CgroupFreezer::FindOrigin() {
  if (is_v2()) return {};
  ASSIGN_OR_RETURN(const std::vector<pid_t> processes, cgroups_->Processes(group_));
  if (processes.empty()) return Fail(Code::kNotFound, "group {} has no process", group_);
  ASSIGN_OR_RETURN(origin_, ReadFreezerGroup(processes.front()));
  return {};
}

Result<> CgroupFreezer::Freeze(Deadline deadline) {
  if (is_v2()) {
    RETURN_IF_ERROR(WriteControlFile(folder_ / "cgroup.freeze", "1"), "freeze");
    return AwaitStill(deadline);
  }
  RETURN_IF_ERROR(EnsureDirectory(folder_, 0755), "freeze");
  while (true) {
    ASSIGN_OR_RETURN(const bool more, TakeIn(), "freeze");
    RETURN_IF_ERROR(WriteControlFile(folder_ / kV1State, "FROZEN"), "freeze");
    RETURN_IF_ERROR(AwaitStill(deadline));
    if (!more) return {};
  }
}

// True when there was somebody to take in.
Result<bool> CgroupFreezer::TakeIn() {
  const auto outside = [&]() -> Result<std::vector<pid_t>> {
    ASSIGN_OR_RETURN(std::vector<pid_t> inside, cgroup_tree::Processes(folder_));
    ASSIGN_OR_RETURN(std::vector<pid_t> processes, cgroups_->Processes(group_));
    return cgroup_tree::Without(std::move(processes), std::move(inside));
  };
  return cgroup_tree::MoveAll(outside, folder_);
}

Result<bool> CgroupFreezer::IsStill() const {
  if (is_v2()) {
    ASSIGN_OR_RETURN(const std::string events, ReadFile(folder_ / "cgroup.events"));
    return events.find("frozen 1") != std::string::npos;
  }
  // v1 goes on freezing when it is asked for its state.
  ASSIGN_OR_RETURN(const std::string state, ReadFile(folder_ / kV1State));
  return state.starts_with("FROZEN");
}

Result<> CgroupFreezer::AwaitStill(Deadline deadline) const {
  while (true) {
    ASSIGN_OR_RETURN(const bool still, IsStill(), "freeze");
    if (still) return {};
    if (std::chrono::steady_clock::now() >= deadline) {
      return Fail(Code::kDeadlineExceeded, "group {} is not still yet", group_);
    }
    std::this_thread::sleep_for(kPoll);
  }
}

Result<> CgroupFreezer::Thaw() {
  const auto file = folder_ / (is_v2() ? "cgroup.freeze" : kV1State);
  const auto thawed = WriteControlFile(file, is_v2() ? "0" : "THAWED");
  if (!thawed && thawed.error().code() == Code::kNotFound) return {};
  RETURN_IF_ERROR(thawed, "thaw");
  if (is_v2()) return {};
  RETURN_IF_ERROR(TakeOut(), "thaw");
  RemoveFolders();
  return {};
}

Result<> CgroupFreezer::TakeOut() {
  RETURN_IF_ERROR(cgroup_tree::MoveAll([&] { return cgroup_tree::Processes(folder_); },
                                       cgroup_tree::FolderIn(hierarchy_, origin_)));
  return {};
}

// Its own and those above that nothing else is in: they were made for it.
void CgroupFreezer::RemoveFolders() const {
  for (auto folder = folder_; folder != hierarchy_ && folder.has_relative_path();
       folder = folder.parent_path()) {
    if (::rmdir(folder.c_str()) != 0) return;
  }
}

}  // namespace trivet
