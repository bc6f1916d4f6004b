#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/sandbox/config.h"

namespace trivet::sandbox {

/// The text of a pod's resolv.conf. Source: man 5 resolv.conf.
std::string ResolvConf(const Dns& dns);

/// The text of a pod's hosts file: the loopback names, then its own.
std::string Hosts(const std::string& hostname, const std::vector<std::string>& ips);

/// The name the pod's UTS namespace gets: the kubelet's, or the node's for one that asks for none.
std::string HostnameOf(const Config& config);

/// Writes resolv.conf, hosts and hostname into `folder` (made when absent). Without a DNS
/// configuration, and on the node's network, the node's own files are copied.
Result<> WritePodFiles(const std::filesystem::path& folder, const Config& config,
                       const std::vector<std::string>& ips);

}  // namespace trivet::sandbox
