#pragma once

#include "shim/init_plan.h"
#include "shim/report.h"

/// The mounts of a container, made by its own first process. Async-signal-safe.
namespace trivet::shim {

/// Attaches the detached tree at `attach_point`, a folder of the node, and makes it this process's
/// root; the node's mounts are gone afterwards. The mount namespace must be the process's own.
void EnterRoot(int root_fd, const char* attach_point, const Reporter& report);

/// Makes plan.mounts in order, below the root, never through a link out of it.
void MakeMounts(const InitPlan& plan, const Reporter& report);

/// Masked and read-only paths, then the read-only root. What does not exist needs no mask.
void RestrictPaths(const InitPlan& plan, const Reporter& report);

/// A detached mount of a new file system; reports `target` when it fails.
int NewFileSystem(const MountPlan& mount, const Reporter& report);

/// Moves the tree to the very file or folder that `target_fd` is.
bool MoveTree(int tree_fd, int target_fd);

}  // namespace trivet::shim
