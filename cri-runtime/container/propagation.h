#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "cri-runtime/container/config.h"

namespace trivet::container {

/// Whether the mount that `source_fd`, of the node's `path`, is on can do what is asked: mounts
/// come in from one that is shared or a slave, and go out to one that is shared. The kernel would
/// take it, and propagate nothing.
/// Errors: kFailedPrecondition.
Result<> CheckPropagation(int source_fd, std::string_view path, Propagation propagation);

/// The same, of the mount `mount_id` in a text of the form of /proc/self/mountinfo.
Result<> CheckPropagation(std::string_view mountinfo, uint64_t mount_id, std::string_view path,
                          Propagation propagation);

}  // namespace trivet::container
