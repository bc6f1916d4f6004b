#pragma once

#include <string>

#include "cri-runtime/sandbox/record.h"

/// Where processes are in the control groups:
///
///   <cgroup_parent of the request>/            the kubelet's, of the pod
///     <sandbox>/                               the pod's reaper
///     <container>/
///   <cgroup_parent of cri.json>/<sandbox>/     the same of a pod that names no parent; ours
///   <cgroup_parent of cri.json>/shims/         the shims
namespace trivet::sandbox {

/// The pod's group.
inline std::string PodGroup(const Config& config, const std::string& id,
                            const std::string& default_parent) {
  return config.cgroup_parent.empty() ? default_parent + "/" + id : config.cgroup_parent;
}
/// Made by us, and so removed by us.
inline bool OwnsPodGroup(const Record& record) {
  return record.config.cgroup_parent.empty();
}

inline std::string ReaperGroup(const Record& record) {
  return record.cgroup + "/" + record.id;
}

inline std::string ContainerGroup(const Record& record, const std::string& container_id) {
  return record.cgroup + "/" + container_id;
}

}  // namespace trivet::sandbox
