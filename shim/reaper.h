#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/process.h"

namespace trivet::shim {

/// Starts PID 1 of a PID namespace that the pod's containers share: it inherits orphans and reaps
/// them, nothing else. It dies with the shim, and the namespace with it. `cgroup_procs` are the
/// files it is put into.
Result<Child> StartReaper(const std::vector<std::string>& cgroup_procs);

}  // namespace trivet::shim
