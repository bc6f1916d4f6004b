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

/// Writes resolv.conf and hostname into `folder`, which is made when absent. Without a DNS
/// configuration the node's own resolv.conf is copied. They have the pod's SELinux label.
Result<> WritePodFiles(const std::filesystem::path& folder, const Record& record);

/// Adds hosts, when the pod has its addresses. On the node's network it is a copy of the node's.
Result<> WriteHosts(const std::filesystem::path& folder, const Record& record,
                    const std::vector<std::string>& ips);

}  // namespace trivet::sandbox
