#include "cni/bridge_conf.h"

#include <algorithm>

namespace trivet::cni {
namespace {

using json::ReadOptional;
using json::Value;

constexpr uint16_t kMaxVlan = 4094;

Result<uint16_t> ReadVlan(const Value& object, const char* key) {
  uint16_t id = 0;
  RETURN_IF_ERROR(json::ReadRequired(object, key, id));
  if (id >= 1 && id <= kMaxVlan) return id;
  return Fail(Code::kInvalidArgument, "{}: {} is not from 1 to {}", key, id, kMaxVlan);
}

// {minID, maxID}, {id}, or both.
Result<> AppendTrunk(const Value& entry, std::vector<VlanRange>& trunk) {
  if (!entry.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  const auto has = [&](const char* key) { return entry.contains(key) && !entry[key].is_null(); };
  if (has("minID") || has("maxID")) {
    VlanRange range;
    ASSIGN_OR_RETURN(range.first, ReadVlan(entry, "minID"));
    ASSIGN_OR_RETURN(range.last, ReadVlan(entry, "maxID"));
    if (range.last < range.first) {
      return Fail(Code::kInvalidArgument, "minID {} is over maxID {}", range.first, range.last);
    }
    trunk.push_back(range);
  }
  if (has("id")) {
    ASSIGN_OR_RETURN(const uint16_t id, ReadVlan(entry, "id"));
    trunk.push_back({id, id});
  }
  return {};
}

// In order and without overlaps, as the kernel wants ranges.
std::vector<VlanRange> Merge(std::vector<VlanRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<VlanRange> merged;
  for (const VlanRange& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

Result<PortVlans> ReadVlans(const Value& root) {
  PortVlans vlans{.keep_default = false};
  RETURN_IF_ERROR(ReadOptional(root, "vlan", vlans.untagged));
  if (vlans.untagged > kMaxVlan) {
    return Fail(Code::kInvalidArgument, "vlan: {} is not from 0 to {}", vlans.untagged, kMaxVlan);
  }
  RETURN_IF_ERROR(ReadOptional(root, "preserveDefaultVlan", vlans.keep_default));
  const auto found = root.find("vlanTrunk");
  if (found == root.end() || found->is_null()) return vlans;
  if (!found->is_array()) return Fail(Code::kInvalidArgument, "vlanTrunk: not a list");
  for (const Value& entry : *found) RETURN_IF_ERROR(AppendTrunk(entry, vlans.trunk), "vlanTrunk");
  vlans.trunk = Merge(std::move(vlans.trunk));
  return vlans;
}

}  // namespace

Result<BridgeConf> ParseBridgeConf(const NetConf& conf, const Environment& environment) {
  const Value& root = conf.root;
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
  ASSIGN_OR_RETURN(bridge.vlans, ReadVlans(root));
  RETURN_IF_ERROR(ReadOptional(root, "macspoofchk", bridge.spoof_check));
  RETURN_IF_ERROR(ReadOptional(root, "disableContainerInterface", bridge.container_down));
  ASSIGN_OR_RETURN(bridge.mac, ReadRequestedMac(root, environment));
  if (bridge.container_down && !conf.ipam_type.empty()) {
    return Fail(Code::kInvalidArgument, "disableContainerInterface and ipam exclude each other");
  }
  if (bridge.hairpin && bridge.promiscuous) {
    return Fail(Code::kInvalidArgument, "hairpinMode and promiscMode exclude each other");
  }
  bridge.is_gateway = bridge.is_gateway || bridge.is_default_gateway;
  return bridge;
}

}  // namespace trivet::cni
