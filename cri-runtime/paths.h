#pragma once

#include <filesystem>
#include <string>

namespace trivet::cri {

/// The runtime's files. All of it can be thrown away after a drain: it is about what runs now.
///
///   <state>/                 /var/lib/trivet/cri, 0700
///     images/                the image store's own, see image/paths.h
///     sandboxes/<id>.json    what a sandbox was asked to be, before anything is made
///     sandboxes/<id>.state   how it is
///     containers/<id>.json, <id>.state
///     pods/                  of an earlier version: what is in shims/<sandbox>/pod now
///     pod-cidrs              of this node, as the kubelet has told them
///     upper/<container>/     fs/ and work/ of its overlay; bundle/, which CDI hooks are told of
///     checkpoints/<container>/  while it is saved, see checkpoint/saving.h
///     mount-points/          the lowest layer of all, see container/mount_points.h
///   <run>/                   /run/trivet, 0700; gone after a reboot
///     shims/<sandbox>/       the shim's: spec, sock
///     shims/<sandbox>/pod/   a tmpfs, what all containers of the pod see: resolv.conf, hosts,
///                            hostname, shm/
///     shims/<sandbox>/<container>.exit   left by the shim until the daemon has recorded the end
///     netns/<sandbox>        the network namespace, pinned for CNI
struct Paths {
  std::filesystem::path state;
  std::filesystem::path run;

  [[nodiscard]] std::filesystem::path Images() const { return state / "images"; }
  [[nodiscard]] std::filesystem::path Sandboxes() const { return state / "sandboxes"; }
  [[nodiscard]] std::filesystem::path Containers() const { return state / "containers"; }
  [[nodiscard]] std::filesystem::path Pods() const { return state / "pods"; }
  [[nodiscard]] std::filesystem::path Pod(const std::string& id) const { return Pods() / id; }
  [[nodiscard]] std::filesystem::path PodCidrs() const { return state / "pod-cidrs"; }
  [[nodiscard]] std::filesystem::path Uppers() const { return state / "upper"; }
  [[nodiscard]] std::filesystem::path Upper(const std::string& id) const { return Uppers() / id; }
  [[nodiscard]] std::filesystem::path Checkpoints() const { return state / "checkpoints"; }
  [[nodiscard]] std::filesystem::path Checkpoint(const std::string& id) const {
    return Checkpoints() / id;
  }
  [[nodiscard]] std::filesystem::path MountPoints() const { return state / "mount-points"; }
  [[nodiscard]] std::filesystem::path Shims() const { return run / "shims"; }
  [[nodiscard]] std::filesystem::path Shim(const std::string& id) const { return Shims() / id; }
  [[nodiscard]] std::filesystem::path PodFolder(const std::string& id) const {
    return Shim(id) / "pod";
  }
  [[nodiscard]] std::filesystem::path EarlierShm(const std::string& id) const {
    return Shim(id) / "shm";  // a tmpfs, of a pod that an earlier version made
  }
  [[nodiscard]] std::filesystem::path ExitRecord(const std::string& sandbox_id,
                                                 const std::string& container_id) const {
    return Shim(sandbox_id) / (container_id + ".exit");
  }
  [[nodiscard]] std::filesystem::path NetworkNamespaces() const { return run / "netns"; }
  [[nodiscard]] std::filesystem::path NetworkNamespace(const std::string& id) const {
    return NetworkNamespaces() / id;
  }
};

}  // namespace trivet::cri
