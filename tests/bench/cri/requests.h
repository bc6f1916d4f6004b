#pragma once

#include <filesystem>
#include <string>

#include "proto/cri/api.pb.h"

namespace trivet::bench {

/// What the pods of the bench are made of; the same for every runtime.
struct Workload {
  std::string handler;         // RunPodSandbox's runtime_handler
  std::string image;           // must be there; has /pause and /bin/true
  std::string cgroup_parent;   // "/trivet-test/…"
  std::filesystem::path logs;  // log folders, hosts and termination logs
  bool limited = true;         // a memory limit and CPU shares for the container
};

/// The pod that a kubelet would ask for: bridge network, IPC and PID namespaces of its own, DNS,
/// default seccomp profile.
::runtime::v1::PodSandboxConfig PodConfig(const Workload& workload, const std::string& name);

/// Its container: limits where wanted, two bind mounts, default masks, no new privileges.
::runtime::v1::ContainerConfig ContainerConfig(const Workload& workload, const std::string& pod);

}  // namespace trivet::bench
