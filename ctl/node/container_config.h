#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "common/base/error.h"
#include "ctl/node/environment.h"
#include "ctl/node/facts.h"
#include "ctl/object/pod.h"
#include "proto/cri/api.pb.h"

namespace trivet::ctl {

/// Where a volume of the pod is on this node.
struct MountedVolume {
  std::filesystem::path host_path;
  bool read_only = false;
  bool relabel = false;  // its files are the pod's, and get the labels of its containers
};
using MountedVolumes = std::map<std::string, MountedVolume>;

/// What a container's configuration depends on beside the manifest.
struct ContainerPlace {
  PodPlace pod;
  uint32_t attempt = 0;
  std::string image_id;
  MountedVolumes volumes;
  std::map<size_t, std::filesystem::path> sub_paths;  // by the index of the mount
  std::filesystem::path hosts_file;                   // empty: the node's own network
  std::filesystem::path termination_log;
};

/// The container that a kubelet would ask for. Pure.
/// Source: k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_container.go (facts only).
::runtime::v1::ContainerConfig MakeContainerConfig(const Pod& pod, const Container& container,
                                                   const ContainerPlace& place,
                                                   const NodeFacts& facts);

/// runAsNonRoot, which only the kubelet can check: it knows the image.
/// Errors: kFailedPrecondition when the container would run as root, or as a user name.
Result<> CheckNonRoot(const Pod& pod, const Container& container,
                      const ::runtime::v1::Image& image);

/// "httpd/0.log", below the pod's log folder.
std::string LogPath(const Container& container, uint32_t attempt);

}  // namespace trivet::ctl
