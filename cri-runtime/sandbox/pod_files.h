#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/sandbox/config.h"
#include "cri-runtime/sandbox/record.h"

namespace trivet::sandbox {

/// The text of a pod's resolv.conf. Source: man 5 resolv.conf.
std::string ResolvConf(const Dns& dns);

/// The text of a pod's hosts file: the loopback names, then its own.
std::string Hosts(const std::string& hostname, const std::vector<std::string>& ips);

/// The name the pod's UTS namespace gets: the kubelet's, or the node's for one that asks for none.
std::string HostnameOf(const Config& config);

/// Writes resolv.conf, hostname and hosts into `folder`. Without a DNS configuration resolv.conf is
/// a copy of the node's; so is hosts on the node's network.
Result<> WritePodFiles(const std::filesystem::path& folder, const Record& record,
                       const std::vector<std::string>& ips);

/// Attaches to `folder`, which is made when absent, a tmpfs with these files and shm/, all with the
/// pod's SELinux label. It shows with all that is in it; one that is there is left as it is. What
/// containers write there, of the files too, is limited together, and charged to them.
Result<> MakePodFolder(const std::filesystem::path& folder, const Record& record,
                       const std::vector<std::string>& ips);

}  // namespace trivet::sandbox
