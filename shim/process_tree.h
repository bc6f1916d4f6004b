#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>

#include "common/base/unique_fd.h"
#include "common/linux/process.h"

namespace trivet::shim {

/// `root` and all its descendants in a table of {pid, parent pid}. Pure.
std::set<pid_t> TreeOf(pid_t root, const std::map<pid_t, pid_t>& parents);

/// The process `pid`, if its parent is one of `tree`: the number may have become another's since it
/// was read. Nothing when it is none of them or has ended; an invalid descriptor when there is no
/// room for one.
std::optional<UniqueFd> HoldMember(pid_t pid, const std::set<pid_t>& tree);

/// Kills a child of this process that is a subreaper, with all its descendants: a probe that timed
/// out must leave nothing running.
///
/// cgroup v2 has no room for a group of its own (its parent, the container's, has processes), and a
/// session or process group is left by any daemon. As subreaper the root keeps its orphans, so that
/// the tree stays whole as long as the root lives: it is stopped first and killed last.
void KillProcessTree(const Child& root);

}  // namespace trivet::shim
