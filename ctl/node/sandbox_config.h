#pragma once

#include <filesystem>
#include <string>

#include "ctl/node/facts.h"
#include "ctl/object/pod.h"
#include "proto/cri/api.pb.h"

namespace trivet::ctl {

/// The sandbox that a kubelet would ask for. Pure.
/// Source: k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_sandbox.go (facts only).
::runtime::v1::PodSandboxConfig MakeSandboxConfig(const Pod& pod, const std::string& uid,
                                                  uint32_t attempt,
                                                  const std::filesystem::path& log_directory,
                                                  const NodeFacts& facts);

/// The namespaces of the sandbox and of each of its containers.
::runtime::v1::NamespaceOption MakeNamespaceOptions(const Pod& pod);

/// A profile, or what is used where none is asked for.
::runtime::v1::SecurityProfile MakeSeccompProfile(const std::optional<SeccompProfile>& wanted,
                                                  bool default_on);

::runtime::v1::SELinuxOption MakeSelinuxOption(const SelinuxOptions& from);

/// What hostname(1) says in the pod.
std::string HostName(const Pod& pod);

}  // namespace trivet::ctl
