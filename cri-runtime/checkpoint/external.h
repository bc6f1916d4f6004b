#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace trivet::checkpoint {

/// What a container has from outside and CRIU must not look into, as its --external names it:
/// "mnt[/etc/hosts]:/etc/hosts" for what is mounted from the node and for file systems CRIU does
/// not know, "net[<inode>]:pod" for the pod's network namespace, "pid[<inode>]:pod" for a PID
/// namespace whose first process is another's, "tty[<rdev>:<dev>]" for a terminal, whose other end
/// is the shim's. `pid`: its first process.
/// Errors: kNotFound when it has ended.
Result<std::vector<std::string>> FindExternal(pid_t pid);

/// Just the mounts: texts as /proc/<pid>/mountinfo, man 5 proc, of the container and of the node.
std::vector<std::string> FindExternalMounts(std::string_view container, std::string_view node);

}  // namespace trivet::checkpoint
