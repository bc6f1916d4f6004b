#pragma once

#include <filesystem>
#include <string>

namespace trivet::ctl {

/// What a kubelet keeps under /var/lib/kubelet and /var/log/pods, here below the state
/// folder (drawn in records.h).
class Paths {
 public:
  explicit Paths(std::filesystem::path state_directory) : state_(std::move(state_directory)) {}

  [[nodiscard]] std::filesystem::path Lock() const { return state_ / "lock"; }
  [[nodiscard]] std::filesystem::path Logs(const std::string& name_space, const std::string& name,
                                           const std::string& uid) const {
    return state_ / "logs" / (name_space + "_" + name + "_" + uid);
  }
  [[nodiscard]] std::filesystem::path Pod(const std::string& uid) const {
    return state_ / "kubelet/pods" / uid;
  }
  [[nodiscard]] std::filesystem::path EmptyDir(const std::string& uid,
                                               const std::string& volume) const {
    return Pod(uid) / "volumes/kubernetes.io~empty-dir" / volume;
  }
  /// Where a claim's volume is published for a pod: a mount, or a device file.
  [[nodiscard]] std::filesystem::path Published(const std::string& uid,
                                                const std::string& claim_uid) const {
    return Pod(uid) / "volumes/kubernetes.io~csi" / ("pvc-" + claim_uid) / "mount";
  }
  [[nodiscard]] std::filesystem::path SubPath(const std::string& uid, const std::string& container,
                                              size_t index) const {
    return Pod(uid) / "volume-subpaths" / container / std::to_string(index);
  }
  /// Where a claim's volume is staged, once for all pods of this node.
  [[nodiscard]] std::filesystem::path Staged(const std::string& claim_uid) const {
    return state_ / "kubelet/plugins/kubernetes.io/csi" / ("pvc-" + claim_uid) / "globalmount";
  }
  [[nodiscard]] std::filesystem::path HostsFile(const std::string& uid) const {
    return Pod(uid) / "etc-hosts";
  }
  [[nodiscard]] std::filesystem::path TerminationLog(const std::string& uid,
                                                     const std::string& container,
                                                     uint32_t attempt) const {
    return Pod(uid) / "containers" / container / std::to_string(attempt);
  }

 private:
  std::filesystem::path state_;
};

}  // namespace trivet::ctl
