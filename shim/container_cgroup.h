#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "proto/trivet/shim.h"

namespace trivet::shim {

/// A container's control group as the shim needs it: a place for processes to be born in, to be
/// found in, and a counter of OOM kills. The group itself is the daemon's.
class ContainerCgroup {
 public:
  /// Errors: kInvalidArgument for the root of a hierarchy: a container's end kills its whole group.
  static Result<ContainerCgroup> Open(const ContainerSpec& spec);

  /// For CLONE_INTO_CGROUP; -1 on v1.
  [[nodiscard]] int birth_fd() const { return folder_fd_.get(); }
  /// The group at or below it that the container's process `pid` is in. v2: one that has made
  /// groups with controllers of its own (systemd, a container runtime) has left the container's,
  /// where the kernel takes no process any more (EBUSY).
  [[nodiscard]] Result<UniqueFd> OpenGroupOf(pid_t pid) const;
  /// v1: what a child writes itself to. Open for as long as this object lives: an exec a second is
  /// nothing rare. Errors: of a cpuset that an update has made, and that cannot be opened.
  [[nodiscard]] Result<std::vector<int>> EntryFiles() const;

  /// v1: brings in the first process, which may have been born before an update made the cpuset.
  [[nodiscard]] Result<> JoinLate(pid_t pid) const;

  [[nodiscard]] bool exists() const { return !folder_.empty(); }
  /// Sends `signal` to every process in the group.
  Result<> Signal(int signal) const;
  /// Kills every process in the group; those that fork meanwhile, too.
  void Kill() const;
  /// Begins to look for processes of the group that the kernel kills for lack of memory.
  void WatchOomKills() { oom_kills_before_ = ReadOomKills(); }
  /// Whether it has killed one since.
  [[nodiscard]] bool HasOomKills() const { return ReadOomKills() > oom_kills_before_; }

 private:
  [[nodiscard]] uint64_t ReadOomKills() const;
  Result<> OpenFiles(const std::vector<std::string>& procs_files);

  std::filesystem::path folder_;  // where processes are looked for; empty: no group
  bool is_v2_ = false;
  UniqueFd folder_fd_;
  std::vector<UniqueFd> procs_;
  uint64_t oom_kills_before_ = 0;
  std::filesystem::path memory_folder_;  // v1: where OOM kills are counted
  std::string late_procs_file_;  // v1: of the cpuset that an update may make; empty: not late
  mutable UniqueFd late_procs_;  // once it is there
};

}  // namespace trivet::shim
