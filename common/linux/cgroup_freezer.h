#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "common/base/error.h"
#include "common/linux/cgroup.h"

namespace trivet {

/// Stops what runs in a control group where it stands, and lets it run on. On v2 each group has a
/// file for that; v1 has a hierarchy of its own, which processes are put into when they are to
/// stop, and taken out of when they run on.
/// Sources: cgroup-v2.rst "cgroup.freeze" and cgroup-v1/freezer-subsystem.rst of the kernel's
/// Documentation/admin-guide.
class CgroupFreezer {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// `cgroups` outlives this; `root` is where its hierarchies are mounted. Does nothing yet.
  /// Errors: kFailedPrecondition on a node with v1 and without a freezer.
  static Result<CgroupFreezer> Of(const Cgroups& cgroups, const std::filesystem::path& root,
                                  std::string group);

  /// The group of the freezer's hierarchy that the processes are taken back to; "/" until Freeze
  /// has found out, empty on v2. For whoever thaws in this one's place.
  [[nodiscard]] const std::string& origin() const { return origin_; }
  void set_origin(std::string origin) { origin_ = std::move(origin); }
  /// What has cgroup.freeze or freezer.state in it.
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  /// Looks up origin(), for a record that is written before Freeze.
  Result<> FindOrigin();
  /// Returns when all are still. Errors: kDeadlineExceeded; then some may be still already.
  Result<> Freeze(Deadline deadline);
  /// A group that is gone or runs is success.
  Result<> Thaw();

 private:
  CgroupFreezer(const Cgroups& cgroups, std::filesystem::path hierarchy, std::string group);
  [[nodiscard]] bool is_v2() const { return hierarchy_.empty(); }
  Result<bool> TakeIn();
  Result<> TakeOut();
  Result<> AwaitStill(Deadline deadline) const;
  [[nodiscard]] Result<bool> IsStill() const;
  void RemoveFolders() const;

  const Cgroups* cgroups_;
  std::filesystem::path hierarchy_;  // v1's freezer; empty on v2
  std::string group_;
  std::filesystem::path folder_;
  std::string origin_;
};

}  // namespace trivet
