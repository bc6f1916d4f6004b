#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "cri-runtime/container/fd_table.h"
#include "cri-runtime/image/image.h"
#include "proto/trivet/shim.h"

namespace trivet::container {

/// What of the pod is mounted into its containers.
struct PodMounts {
  std::filesystem::path files;              // the folder of resolv.conf, hosts and hostname
  std::filesystem::path shm;                // the pod's /dev/shm, or the node's
  std::vector<image::Image> volume_images;  // in the order of the mounts that name an image
  std::filesystem::path scratch;            // for MountImage
  int user_namespace_fd = -1;               // the pod's own, or -1
  std::string file_label;                   // SELinux's, of what is to be relabelled; or empty
};

/// All mounts of a container in the order they are made: the standard ones (the OCI runtime
/// specification's, Linux), the pod's files, the request's. A mount of the request replaces a
/// standard one at the same place. Trees of the node are taken here as detached mounts, added to
/// `fds`: from now on nobody can exchange what a path means. Only a privileged container can open
/// devices through them. A request's host_path that does not exist is made, a folder (0755), and
/// stays whatever becomes of the container.
/// Errors: kNotFound for a CDI mount's host_path that does not exist, and for a link that leads
/// nowhere; kInvalidArgument for what cannot be combined; kFailedPrecondition where nothing would
/// be propagated; the kernel's.
Result<std::vector<shim::MountSpec>> PrepareMounts(const Config& config, const PodMounts& pod,
                                                   FdTable& fds);

/// Just the places and kinds, without touching the node: what PrepareMounts will mount.
std::vector<shim::MountSpec> StandardMounts(const Security& security);

}  // namespace trivet::container
