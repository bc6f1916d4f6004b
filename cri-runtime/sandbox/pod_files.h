#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/mount.h"
#include "cri-runtime/sandbox/config.h"
#include "cri-runtime/sandbox/record.h"

namespace trivet::sandbox {

/// The text of a pod's resolv.conf. Source: man 5 resolv.conf.
std::string ResolvConf(const Dns& dns);

/// The text of a pod's hosts file: the loopback names, then its own.
std::string Hosts(const std::string& hostname, const std::vector<std::string>& ips);

/// The name the pod's UTS namespace gets: the kubelet's, or the node's for one that asks for none.
std::string HostnameOf(const Config& config);

/// Makes in a new folder those of a pod's files that do not depend on its addresses. Without a DNS
/// configuration resolv.conf is a copy of the node's.
Result<> WriteNameFiles(int folder_fd, const Record& record);
/// Makes hosts there; on the node's network it is a copy of the node's.
Result<> WriteHosts(int folder_fd, const Record& record, const std::vector<std::string>& ips);

/// The pod's own files: a tmpfs with resolv.conf, hostname, hosts and shm/, all with the pod's
/// SELinux label. What containers write there, of the files too, is limited together, and charged
/// to them.
class PodFolder {
 public:
  /// All that is known before the pod has addresses. Nothing shows yet, and nothing is left of it
  /// without Attach.
  static Result<PodFolder> Make(const Record& record);

  /// Adds hosts, and shows all of it at `folder`, which is made when absent.
  Result<> Attach(const std::filesystem::path& folder, const Record& record,
                  const std::vector<std::string>& ips) &&;

 private:
  explicit PodFolder(DetachedMount tmpfs) : tmpfs_(std::move(tmpfs)) {}
  DetachedMount tmpfs_;
};

/// Both at once, unless something is mounted at `folder` already: that is left as it is.
Result<> EnsurePodFolder(const std::filesystem::path& folder, const Record& record,
                         const std::vector<std::string>& ips);

}  // namespace trivet::sandbox
