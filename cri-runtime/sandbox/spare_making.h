#pragma once

#include <functional>

#include "common/base/error.h"
#include "cri-runtime/cni/network.h"
#include "cri-runtime/cni/pod_cidrs.h"
#include "cri-runtime/live_config.h"
#include "cri-runtime/paths.h"
#include "cri-runtime/sandbox/shim_launcher.h"
#include "cri-runtime/sandbox/spares.h"

namespace trivet::sandbox {

/// What a spare is made with; borrowed.
struct SpareParts {
  const cri::LiveConfig& config;
  const cri::Paths& paths;
  ShimLauncher& launcher;
  const network::Network& network;
  const network::PodCidrs& pod_cidrs;
};

/// For Spares: a sandbox's id, a shim that waits and a network namespace, in which the plugin of
/// the network configuration in force has made what it can. Errors: the kernel's.
std::function<Result<Spare>()> SpareMaker(const SpareParts& parts);

}  // namespace trivet::sandbox
