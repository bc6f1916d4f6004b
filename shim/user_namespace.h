#pragma once

#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "proto/trivet/shim.h"
#include "shim/init_plan.h"
#include "shim/process_plan.h"
#include "shim/sysctl.h"

namespace trivet::shim {

/// The pod's user namespace, held open as long as the shim lives. The shim itself stays in the
/// node's: only its children enter. A pod without one has an object that changes nothing.
class UserNamespace {
 public:
  UserNamespace() = default;

  /// Makes it with the ids of `spec`, and with it the namespaces of `flags` (CLONE_NEWNET | …),
  /// which belong to it and become this process's own. `sysctls` are written by its root: that of
  /// the node may not, where they are the IPC namespace's.
  static Result<UserNamespace> Make(const SandboxSpec& spec, uint64_t flags,
                                    const std::vector<Sysctl>& sysctls);

  [[nodiscard]] bool exists() const { return fd_.valid(); }
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Leads a process into it. Errors: kInvalidArgument for a user or group it does not have.
  Result<> Place(ProcessPlan& plan) const;
  /// The same for a container's first process and its mounts.
  Result<> Place(InitPlan& plan) const;

 private:
  UserNamespace(UniqueFd fd, IdRange uids, IdRange gids)
      : fd_(std::move(fd)), uids_(uids), gids_(gids) {}

  UniqueFd fd_;
  IdRange uids_;
  IdRange gids_;
};

}  // namespace trivet::shim
