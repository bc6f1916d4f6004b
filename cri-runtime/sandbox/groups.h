#pragma once

#include <string>

#include "common/base/error.h"
#include "cri-runtime/sandbox/record.h"

/// Where processes are in the control groups:
///
///   <cgroup_parent of the request>/            the kubelet's, of the pod
///     <sandbox>/                               the pod's reaper, where it has one
///     <container>/
///   <cgroup_parent of cri.json>/<sandbox>/     the same of a pod that names no parent; ours
///
/// With systemd a pod's group is a slice, the others are scopes in it:
///
///   <cgroup_parent of the request>.slice/cri-trivet-<sandbox>.scope
///   <cgroup_parent of cri.json>.slice/<cgroup_parent of cri.json>-pod<sandbox>.slice/…
namespace trivet::sandbox {

/// The pod's group. Where `default_parent` is a slice, all are.
/// Errors: kInvalidArgument for a cgroup_parent of the other kind.
Result<std::string> PodGroup(const Config& config, const std::string& id,
                             const std::string& default_parent);

/// Made by us, and so removed by us.
inline bool OwnsPodGroup(const Record& record) {
  return record.config.cgroup_parent.empty();
}

std::string ContainerGroup(const Record& record, const std::string& container_id);

/// Whether the pod has one PID namespace, whose first process the shim's reaper is.
inline bool HasReaper(const Record& record) {
  return record.config.namespaces.pid == NamespaceMode::kPod;
}

/// Empty, or absent, without a reaper.
inline std::string ReaperGroup(const Record& record) {
  return ContainerGroup(record, record.id);
}

}  // namespace trivet::sandbox
