#pragma once

#include "common/base/error.h"
#include "ctl/object/pod.h"

namespace trivet::ctl {

/// Checks a hostPath volume's type, and makes what the type says may be made. Without a type
/// nothing is looked at, as by the kubelet: the runtime makes a folder where there is nothing.
/// Errors: kFailedPrecondition when something else, or nothing, is there.
Result<> EnsureHostPath(const Volume& volume);

}  // namespace trivet::ctl
