#pragma once

#include "common/base/error.h"
#include "ctl/node/cri.h"
#include "ctl/object/pod.h"

namespace trivet::ctl {

/// The container's image on this node, by the kubelet's rule: imagePullPolicy Always asks for it
/// each time, IfNotPresent (the default of a name with a tag other than latest) once, Never not at
/// all. Errors: the runtime's, with a word on how to import an image.
Result<::runtime::v1::Image> EnsureImage(Cri& cri, const Container& container);

/// Always, IfNotPresent or Never.
std::string PullPolicy(const Container& container);

}  // namespace trivet::ctl
