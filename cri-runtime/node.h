#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <string>

#include "common/base/unique_fd.h"
#include "common/linux/cgroup.h"
#include "common/linux/selinux_policy.h"
#include "cri-runtime/cni/monitor.h"
#include "cri-runtime/cni/network.h"
#include "cri-runtime/cni/pod_cidrs.h"
#include "cri-runtime/container/image_accounts.h"
#include "cri-runtime/container/seccomp_filter.h"
#include "cri-runtime/image/store.h"
#include "cri-runtime/live_config.h"
#include "cri-runtime/paths.h"
#include "cri-runtime/sandbox/shim_launcher.h"
#include "cri-runtime/sandbox/spares.h"
#include "cri-runtime/selinux/levels.h"
#include "cri-runtime/shim_client/reactor.h"
#include "cri-runtime/state/keyed_mutex.h"
#include "cri-runtime/state/store.h"

namespace trivet::cri {

/// What sandboxes and containers are made of; main makes it and lends it to both.
struct Node {
  LiveConfig& config;
  const Paths& paths;
  state::Store& store;
  image::Store& images;
  container::ImageAccounts& accounts;
  ShimReactor& shims;
  sandbox::ShimLauncher& launcher;
  sandbox::Spares& spares;
  Cgroups& cgroups;
  const network::Network& network;
  network::NetworkMonitor& network_monitor;
  network::PodCidrs& pod_cidrs;
  container::SeccompFilters& seccomp;
  const selinux::Policy& selinux;
  selinux::Levels& selinux_levels;
  uint64_t available_capabilities = 0;
  std::string boot_id;
  /// Held shared while something is made in a sandbox, alone while the sandbox goes.
  state::KeyedMutex& sandbox_locks;
  bool restricts_devices = false;  // by control groups
  UniqueFd bare_mounts;            // MakeBareMounts'; invalid where there can be none
  rlimit open_files{};             // of containers: the daemon's own before it was raised
};

}  // namespace trivet::cri
