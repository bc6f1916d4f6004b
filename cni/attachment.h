#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cni/attachment_key.h"
#include "cni/ip_prefix.h"
#include "cni/net_conf.h"
#include "common/base/error.h"
#include "common/base/json.h"

namespace trivet::cni {

/// The record of one attachment: everything that DEL needs when netns, prevResult and even the
/// network configuration are gone.
struct Attachment {
  AttachmentKey key;
  std::string boot_id;    // of the boot it was made in: after another, nothing of it is left
  bool complete = false;  // ADD answered with success
  std::string host_interface;
  std::string bridge;
  bool owns_bridge = false;  // "ephemeralBridge": the last attachment takes the bridge along
  std::string mac;           // of the container's end; empty: the kernel chooses it
  std::string vlan_gateway;  // the link with the gateway's address in a VLAN; goes with the bridge
  std::string spoof_checked_mac;  // "macspoofchk": the one that the pod may send from
  bool masquerade = false;
  std::vector<IpAddress> addresses;
  std::filesystem::path reservations;  // host-local's folder; empty: another IPAM plugin's
  std::optional<PolicyConf> policy;
  bool source_check = true;  // "sourceCheck" of the policy: the pod sends as itself only
};

json::Value ToJson(const Attachment& attachment);

/// "sourceCheck" of "policy", in a network configuration and in a record. Errors: kInvalidArgument.
Result<bool> ReadSourceCheck(const json::Value& root);

/// Errors: kInvalidArgument that names the field; kUnimplemented for a newer version than ours.
Result<Attachment> ParseAttachment(const json::Value& value);

}  // namespace trivet::cni
