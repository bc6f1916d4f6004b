#pragma once

#include "common/base/error.h"
#include "ctl/node/cri.h"
#include "proto/cri/api.pb.h"

/// The ids of pods with hostUsers: false.
namespace trivet::ctl {

/// 65536 ids that no sandbox of the runtime has: the first such range from 65536 on, as the kubelet
/// chooses them. Two callers at once may choose the same.
/// Errors: kResourceExhausted when none is left; the runtime's.
Result<::runtime::v1::UserNamespace> ChooseUserNamespace(Cri& cri);

/// Gives it to the sandbox.
void SetUserNamespace(const ::runtime::v1::UserNamespace& user,
                      ::runtime::v1::PodSandboxConfig& sandbox);

/// Gives the sandbox's to a container, and maps the owners in its volumes. Nothing to do for a
/// sandbox without one.
void TakeUserNamespace(const ::runtime::v1::PodSandboxConfig& sandbox,
                       ::runtime::v1::ContainerConfig& container);

}  // namespace trivet::ctl
