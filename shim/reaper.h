#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/process.h"
#include "proto/trivet/shim.h"
#include "shim/user_namespace.h"

namespace trivet::shim {

/// Starts PID 1 of a PID namespace that the pod's containers share: it inherits orphans and reaps
/// them, nothing else. It dies with the shim, and the namespace with it. It is put into the pod's
/// cgroup. Containers see it in /proc: its root is empty, it has no capability and no descriptor.
/// `attach_point` is an empty folder of the node. The PID namespace belongs to `user_namespace`,
/// where the pod has one, and PID 1 is in it.
Result<Child> StartReaper(const SandboxSpec& spec, const UserNamespace& user_namespace,
                          const std::string& attach_point);

}  // namespace trivet::shim
