#pragma once

#include <cstdint>
#include <string>

#include "cni/environment.h"
#include "cni/net_conf.h"
#include "common/base/error.h"

namespace trivet::cni {

/// The keys of type ptp, with the reference plugin's names and defaults; "mode" and the MAC address
/// are ours.
struct PtpConf {
  enum class Mode {
    kSubnet,  // "subnet": the pod's address keeps its network's length, the gateway is IPAM's
    kRouted,  // "routed": the pod has its address alone, the gateway is the link
  };
  Mode mode = Mode::kSubnet;  // "mode"
  bool masquerade = false;    // "ipMasq"
  uint32_t mtu_bytes = 0;     // "mtu"; 0: the kernel's choice
  std::string mac;            // of the container's end; empty: made from its address
};

/// Errors: kInvalidArgument that names the key.
Result<PtpConf> ParsePtpConf(const NetConf& conf, const Environment& environment);

}  // namespace trivet::cni
