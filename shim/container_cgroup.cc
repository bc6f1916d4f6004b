#include "shim/container_cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/linux/cgroup_tree.h"
#include "common/linux/file.h"
#include "shim/hierarchies.h"
#include "shim/process_plan.h"

namespace trivet::shim {
namespace {

// Source: cgroup v2: cgroup.type is in every group but the root; v1: above a group there is
// another, above the root of a hierarchy what it is mounted in.
bool IsRoot(const std::filesystem::path& folder, bool is_v2) {
  return !std::filesystem::exists(folder / (is_v2 ? "cgroup.type" : "../cgroup.procs"));
}

// "0::/pods/ID/init.scope" of /proc/PID/cgroup is "./init.scope" below /sys/fs/cgroup/pods/ID: what
// both have in common is the group's own path.
Result<std::string> PathBelow(std::string_view folder, std::string_view proc_cgroup) {
  constexpr std::string_view kUnified = "0::";
  for (const std::string_view line : SplitAt(proc_cgroup, '\n')) {
    if (!line.starts_with(kUnified)) continue;
    const std::string_view path = line.substr(kUnified.size());
    for (size_t end = path.size(); end != 0 && end != std::string_view::npos;
         end = path.rfind('/', end - 1)) {
      if (folder.ends_with(path.substr(0, end))) return "." + std::string(path.substr(end));
    }
  }
  return Fail(Code::kNotFound, "the process is in no cgroup below {}", folder);
}

}  // namespace

Result<ContainerCgroup> ContainerCgroup::Open(const ContainerSpec& spec) {
  ContainerCgroup group;
  group.is_v2_ = !spec.cgroup_v2.empty();
  if (!group.is_v2_ && spec.cgroup_procs.empty()) return group;
  group.folder_ = group.is_v2_ ? std::filesystem::path(spec.cgroup_v2)
                               : std::filesystem::path(spec.cgroup_procs.front()).parent_path();
  if (IsRoot(group.folder_, group.is_v2_)) {
    return Fail(Code::kInvalidArgument, "cgroup: {} is no group below a root",
                group.folder_.native());
  }
  if (!group.is_v2_) {
    RETURN_IF_ERROR(group.OpenFiles(spec.cgroup_procs));
    return group;
  }
  group.folder_fd_.reset(::open(spec.cgroup_v2.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!group.folder_fd_.valid()) return FailErrno("open cgroup {}", spec.cgroup_v2);
  return group;
}

Result<> ContainerCgroup::OpenFiles(const std::vector<std::string>& procs_files) {
  ASSIGN_OR_RETURN(const Hierarchies hierarchies, HierarchiesOf(procs_files));
  ASSIGN_OR_RETURN(procs_, OpenEntryFiles(procs_files), "cgroup");
  memory_folder_ = hierarchies.FolderIn("memory");
  if (!hierarchies.Has("cpuset"))
    late_procs_file_ = hierarchies.FolderIn("cpuset") + "/cgroup.procs";
  return {};
}

Result<UniqueFd> ContainerCgroup::OpenGroupOf(pid_t pid) const {
  ASSIGN_OR_RETURN(const std::string text, ReadFile("/proc/" + std::to_string(pid) + "/cgroup"));
  ASSIGN_OR_RETURN(const std::string below, PathBelow(folder_.native(), text));
  UniqueFd group(::openat(folder_fd_.get(), below.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!group.valid()) return FailErrno("open cgroup {} of {}", below, folder_.native());
  return group;
}

Result<std::vector<int>> ContainerCgroup::EntryFiles() const {
  if (!late_procs_file_.empty() && !late_procs_.valid()) {
    late_procs_.reset(::open(late_procs_file_.c_str(), O_WRONLY | O_CLOEXEC));
    if (!late_procs_.valid() && errno != ENOENT) return FailErrno("open {}", late_procs_file_);
  }
  std::vector<int> files;
  for (const UniqueFd& file : procs_) files.push_back(file.get());
  if (late_procs_.valid()) files.push_back(late_procs_.get());
  return files;
}

Result<> ContainerCgroup::JoinLate(pid_t pid) const {
  if (late_procs_file_.empty() || ::access(late_procs_file_.c_str(), F_OK) != 0) return {};
  const std::filesystem::path folder = std::filesystem::path(late_procs_file_).parent_path();
  ASSIGN_OR_RETURN(const std::vector<pid_t> members, cgroup_tree::Processes(folder));
  if (std::ranges::count(members, pid) > 0) return {};  // to enter again takes long
  return WriteControlFile(late_procs_file_, std::to_string(pid));
}

Result<> ContainerCgroup::Signal(int signal) const {
  if (!exists()) return {};
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, cgroup_tree::Processes(folder_));
  for (const pid_t pid : pids) {
    if (pid > 0 && pid != ::getpid()) ::kill(pid, signal);
  }
  return {};
}

void ContainerCgroup::Kill() const {
  if (!exists()) return;
  if (is_v2_ && WriteControlFile(folder_ / "cgroup.kill", "1")) return;
  // A process that is being killed cannot fork: a second look finds those that were just born.
  constexpr int kLooks = 3;
  for (int look = 0; look < kLooks; ++look) {
    if (!Signal(SIGKILL)) return;
  }
}

uint64_t ContainerCgroup::ReadOomKills() const {
  if (is_v2_) return cgroup_tree::ReadKey(folder_ / "memory.events", "oom_kill").value_or(0);
  return cgroup_tree::ReadKey(memory_folder_ / "memory.oom_control", "oom_kill").value_or(0);
}

}  // namespace trivet::shim
