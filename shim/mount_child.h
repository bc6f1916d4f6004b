#pragma once

#include "shim/init_plan.h"
#include "shim/own_mounts.h"
#include "shim/report.h"

/// The mounts of a container, made by its own first process. Async-signal-safe.
namespace trivet::shim {

/// File systems that a container in a user namespace cannot make once it is in its root; attached
/// nowhere.
struct EarlyTrees {
  int dev_fd = -1;
  int proc_fd = -1;
  int sysfs_fd = -1;
};

/// /dev with its nodes: in the user namespace no device can be made. And the label of the pod's
/// message queues.
void MakeDevEarly(const InitPlan& plan, EarlyTrees& trees, const Reporter& report);

/// In the user namespace, while the node's mounts are there: the kernel gives it a new proc or
/// sysfs only beside one that it sees already. Source: mount_too_revealing in fs/namespace.c.
void MakeProcAndSysfsEarly(const InitPlan& plan, EarlyTrees& trees, const Reporter& report);

/// Attaches the detached tree at `attach_point`, a folder of the node, where nobody sees it from
/// outside. The mount namespace must be the process's own.
void AttachRoot(int root_fd, const char* attach_point, const Reporter& report);

/// Makes the attached tree this process's root; the node's mounts are gone afterwards.
void PivotIntoRoot(int root_fd, const Reporter& report);

/// Both.
void EnterRoot(int root_fd, const char* attach_point, const Reporter& report);

/// Makes the detached tree this process's root in a mount namespace of its own that has nothing of
/// the node's: no such mount is to be moved out of the way and ended.
void CoverRoot(int root_fd, const Reporter& report);

/// Makes plan.mounts in order, below the root, never through a link out of it. `trees` are used up;
/// `own` are those of them that nothing is on top of.
void MakeMounts(const InitPlan& plan, EarlyTrees& trees, OwnMounts& own, const Reporter& report);

/// Masked and read-only paths, then the read-only root. What does not exist needs no mask.
void RestrictPaths(const InitPlan& plan, const OwnMounts& own, const Reporter& report);

/// A detached mount of a new file system; reports `target` when it fails.
int NewFileSystem(const MountPlan& mount, const Reporter& report);

/// Moves the tree to the very file or folder that `target_fd` is.
bool MoveTree(int tree_fd, int target_fd);

}  // namespace trivet::shim
