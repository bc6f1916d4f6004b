#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cni/bridge_vlan.h"
#include "cni/environment.h"
#include "cni/net_conf.h"
#include "common/base/error.h"

namespace trivet::cni {

/// The keys of type bridge, with the reference plugin's names and defaults.
struct BridgeConf {
  std::string bridge = "cni0";             // "bridge"
  bool is_gateway = false;                 // "isGateway"
  bool is_default_gateway = false;         // "isDefaultGateway"; implies is_gateway
  bool force_address = false;              // "forceAddress"
  bool masquerade = false;                 // "ipMasq"
  uint32_t mtu_bytes = 0;                  // "mtu"; 0: the kernel's choice
  bool hairpin = false;                    // "hairpinMode"
  bool promiscuous = false;                // "promiscMode"
  bool isolated_ports = false;             // "portIsolation"
  bool detect_duplicates = false;          // "enabledad"
  PortVlans vlans{.keep_default = false};  // "vlan", "vlanTrunk", "preserveDefaultVlan"
  bool spoof_check = false;                // "macspoofchk"
  bool container_down = false;             // "disableContainerInterface"
  bool ephemeral = false;  // "ephemeralBridge", ours: removed with its last attachment
  std::string mac;         // of the container's end; empty: made from its address
};

/// Errors: kInvalidArgument that names the key.
Result<BridgeConf> ParseBridgeConf(const NetConf& conf, const Environment& environment);

}  // namespace trivet::cni
