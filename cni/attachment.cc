#include "cni/attachment.h"

namespace trivet::cni {
namespace {

constexpr int kRecordVersion = 1;

Result<> ReadPolicy(const json::Value& value, std::optional<PolicyConf>& out) {
  const auto found = value.find("policy");
  if (found == value.end()) return {};
  PolicyConf policy;
  std::string socket;
  RETURN_IF_ERROR(json::ReadRequired(*found, "socket", socket), "policy");
  RETURN_IF_ERROR(json::ReadRequired(*found, "required", policy.required), "policy");
  policy.socket = socket;
  out = std::move(policy);
  return {};
}

}  // namespace

Result<bool> ReadSourceCheck(const json::Value& root) {
  bool source_check = true;
  const auto policy = root.find("policy");
  if (policy == root.end() || policy->is_null()) return source_check;
  RETURN_IF_ERROR(json::ReadOptional(*policy, "sourceCheck", source_check), "policy");
  return source_check;
}

json::Value ToJson(const Attachment& attachment) {
  json::Value value{{"version", kRecordVersion},
                    {"network", attachment.key.network},
                    {"containerID", attachment.key.container_id},
                    {"ifname", attachment.key.ifname},
                    {"bootID", attachment.boot_id},
                    {"complete", attachment.complete},
                    {"hostInterface", attachment.host_interface},
                    {"bridge", attachment.bridge},
                    {"ownsBridge", attachment.owns_bridge},
                    {"masquerade", attachment.masquerade},
                    {"reservations", attachment.reservations.native()},
                    {"addresses", json::Value::array()}};
  for (const IpAddress& address : attachment.addresses) {
    value["addresses"].push_back(address.ToString());
  }
  if (!attachment.mac.empty()) value["mac"] = attachment.mac;
  if (!attachment.vlan_gateway.empty()) value["vlanGateway"] = attachment.vlan_gateway;
  if (!attachment.spoof_checked_mac.empty()) {
    value["spoofCheckedMac"] = attachment.spoof_checked_mac;
  }
  if (attachment.policy) {
    value["policy"] = {{"socket", attachment.policy->socket.native()},
                       {"required", attachment.policy->required},
                       {"sourceCheck", attachment.source_check}};
  }
  return value;
}

Result<Attachment> ParseAttachment(const json::Value& value) {
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(value, "version", version));
  if (version > kRecordVersion) {
    return Fail(Code::kUnimplemented, "version {} is newer than {}", version, kRecordVersion);
  }
  Attachment attachment;
  std::string reservations;
  std::vector<std::string> addresses;
  RETURN_IF_ERROR(json::ReadRequired(value, "network", attachment.key.network));
  RETURN_IF_ERROR(json::ReadRequired(value, "containerID", attachment.key.container_id));
  RETURN_IF_ERROR(json::ReadRequired(value, "ifname", attachment.key.ifname));
  RETURN_IF_ERROR(json::ReadRequired(value, "bootID", attachment.boot_id));
  RETURN_IF_ERROR(json::ReadRequired(value, "complete", attachment.complete));
  RETURN_IF_ERROR(json::ReadRequired(value, "hostInterface", attachment.host_interface));
  RETURN_IF_ERROR(json::ReadRequired(value, "bridge", attachment.bridge));
  RETURN_IF_ERROR(json::ReadRequired(value, "ownsBridge", attachment.owns_bridge));
  RETURN_IF_ERROR(json::ReadRequired(value, "masquerade", attachment.masquerade));
  RETURN_IF_ERROR(json::ReadRequired(value, "reservations", reservations));
  RETURN_IF_ERROR(json::ReadRequired(value, "addresses", addresses));
  RETURN_IF_ERROR(json::ReadOptional(value, "mac", attachment.mac));
  RETURN_IF_ERROR(json::ReadOptional(value, "vlanGateway", attachment.vlan_gateway));
  RETURN_IF_ERROR(json::ReadOptional(value, "spoofCheckedMac", attachment.spoof_checked_mac));
  RETURN_IF_ERROR(ReadPolicy(value, attachment.policy));
  ASSIGN_OR_RETURN(attachment.source_check, ReadSourceCheck(value));
  attachment.reservations = reservations;
  for (const std::string& text : addresses) {
    ASSIGN_OR_RETURN(const IpAddress address, IpAddress::Parse(text), "addresses");
    attachment.addresses.push_back(address);
  }
  return attachment;
}

}  // namespace trivet::cni
