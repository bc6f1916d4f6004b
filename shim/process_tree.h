#pragma once

#include <sys/types.h>

#include <map>
#include <set>

namespace trivet::shim {

/// `root` and all its descendants in a table of {pid, parent pid}. Pure.
std::set<pid_t> TreeOf(pid_t root, const std::map<pid_t, pid_t>& parents);

/// Kills a child of this process that is a subreaper, with all its descendants: a probe that timed
/// out must leave nothing running.
///
/// cgroup v2 has no room for a group of its own (its parent, the container's, has processes), and a
/// session or process group is left by any daemon. As subreaper the root keeps its orphans, so that
/// the tree stays whole as long as the root lives: it is stopped first and killed last.
void KillProcessTree(pid_t root);

}  // namespace trivet::shim
