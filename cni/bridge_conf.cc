#include "cni/bridge_conf.h"

#include <array>

namespace trivet::cni {
namespace {

using json::ReadOptional;
using json::Value;

/// A key of the reference plugin and the value that asks for nothing.
struct Unsupported {
  std::string_view key;
  Value harmless;
};

// A key that is ignored would be a promise broken without a word: refused instead.
Result<> RefuseUnsupported(const Value& root) {
  const std::array<Unsupported, 5> keys{{{"vlan", 0},
                                         {"vlanTrunk", Value::array()},
                                         {"preserveDefaultVlan", true},
                                         {"macspoofchk", false},
                                         {"disableContainerInterface", false}}};
  for (const Unsupported& unsupported : keys) {
    const auto found = root.find(unsupported.key);
    if (found == root.end() || found->is_null() || *found == unsupported.harmless) continue;
    if (*found == "") continue;
    return Fail(Code::kUnimplemented, "{}: {} is not supported", unsupported.key,
                json::Write(*found));
  }
  return {};
}

}  // namespace

Result<BridgeConf> ParseBridgeConf(const NetConf& conf, const Environment& environment) {
  const Value& root = conf.root;
  RETURN_IF_ERROR(RefuseUnsupported(root));
  BridgeConf bridge;
  RETURN_IF_ERROR(ReadOptional(root, "bridge", bridge.bridge));
  RETURN_IF_ERROR(CheckInterfaceName(bridge.bridge), "bridge");
  RETURN_IF_ERROR(ReadOptional(root, "isGateway", bridge.is_gateway));
  RETURN_IF_ERROR(ReadOptional(root, "isDefaultGateway", bridge.is_default_gateway));
  RETURN_IF_ERROR(ReadOptional(root, "forceAddress", bridge.force_address));
  ASSIGN_OR_RETURN(bridge.masquerade, ReadMasquerade(root));
  ASSIGN_OR_RETURN(bridge.mtu_bytes, ReadMtu(root));
  RETURN_IF_ERROR(ReadOptional(root, "hairpinMode", bridge.hairpin));
  RETURN_IF_ERROR(ReadOptional(root, "promiscMode", bridge.promiscuous));
  RETURN_IF_ERROR(ReadOptional(root, "portIsolation", bridge.isolated_ports));
  RETURN_IF_ERROR(ReadOptional(root, "enabledad", bridge.detect_duplicates));
  RETURN_IF_ERROR(ReadOptional(root, "ephemeralBridge", bridge.ephemeral));
  ASSIGN_OR_RETURN(bridge.mac, ReadRequestedMac(root, environment));
  if (bridge.hairpin && bridge.promiscuous) {
    return Fail(Code::kInvalidArgument, "hairpinMode and promiscMode exclude each other");
  }
  bridge.is_gateway = bridge.is_gateway || bridge.is_default_gateway;
  return bridge;
}

}  // namespace trivet::cni
