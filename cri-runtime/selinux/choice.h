#pragma once

#include <string>

#include "common/base/error.h"
#include "common/linux/selinux_policy.h"

namespace trivet::selinux {

/// What a request, its pod and its namespaces come to.
struct Wish {
  Label options;      // of the request
  std::string level;  // the pod's, where the options name none
  bool privileged = false;
  bool node_namespace = false;  // PID or IPC
};

/// The parts that `wish.options` names, the others of the policy's defaults for containers; the
/// file label has the user and the level of the process label. As with other runtimes a privileged
/// process has no label of ours, whatever is asked (the policy then moves it from the runtime's
/// domain, to spc_t in container-selinux), nor has one with a PID or IPC namespace of the node, but
/// where its type is named: it is there to work with processes of other labels.
/// Where SELinux is not enabled nothing is labelled and nothing checked.
/// Errors: kInvalidArgument naming a part that cannot be one, or a label that the policy does not
/// have; kFailedPrecondition when parts are missing and the policy has no defaults.
Result<Labels> ChooseLabels(const Policy& policy, const Wish& wish);

}  // namespace trivet::selinux
