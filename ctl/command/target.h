#pragma once

#include <string>

#include "common/base/error.h"
#include "ctl/node/cri.h"

namespace trivet::ctl {

/// A container as people name it: POD or NAMESPACE/POD, and which of its containers.
struct TargetName {
  std::string pod;
  std::string container;  // empty: the pod's only one
};

/// The newest container of that name in the newest sandbox of that pod.
/// Errors: kNotFound; kInvalidArgument when the pod has several and none is named.
Result<::runtime::v1::ContainerStatus> FindContainer(Cri& cri, const TargetName& name);

}  // namespace trivet::ctl
