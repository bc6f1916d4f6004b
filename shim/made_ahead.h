#pragma once

#include <vector>

#include "shim/init_plan.h"

namespace trivet::shim {

/// File systems that every container has (/dev with its nodes, mqueue, sysfs), attached nowhere:
/// made for the pod's first container while the shim has nothing else to do. They show the shim's
/// namespaces, which are the pod's; some KiB of the kernel's memory are the shim's. Not for a pod
/// with a user namespace, which is to own them. Nor devpts: made in the node's mount namespace, it
/// may use up the terminals that the kernel keeps for the node (fs/devpts/inode.c,
/// kernel.pty.reserve).
class MadeAhead {
 public:
  /// What cannot be made is left to the container.
  void Make();

  /// Gives the plan what is as it says; the rest is dropped.
  void GiveTo(InitPlan& plan);

 private:
  std::vector<MountPlan> made_;
};

}  // namespace trivet::shim
