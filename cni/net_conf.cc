#include "cni/net_conf.h"

#include "cni/paths.h"

namespace trivet::cni {
namespace {

using json::ReadOptional;
using json::ReadRequired;
using json::Value;

Result<std::filesystem::path> ReadAbsolutePath(const Value& object, std::string_view key,
                                               const std::filesystem::path& fallback) {
  std::string text = fallback;
  RETURN_IF_ERROR(ReadOptional(object, key, text));
  if (!text.starts_with('/') || text.find('\0') != std::string::npos) {
    return Fail(Code::kInvalidArgument, "{}: '{}' is not an absolute path", key, text);
  }
  return std::filesystem::path(text);
}

Result<std::optional<PolicyConf>> ParsePolicy(const Value& root) {
  const auto found = root.find("policy");
  if (found == root.end() || found->is_null()) return std::nullopt;
  PolicyConf policy;
  RETURN_IF_ERROR(json::RejectUnknownKeys(*found, {"socket", "required", "sourceCheck"}), "policy");
  ASSIGN_OR_RETURN(policy.socket, ReadAbsolutePath(*found, "socket", policy.socket), "policy");
  RETURN_IF_ERROR(ReadOptional(*found, "required", policy.required), "policy");
  bool source_check = true;  // the attachment's to know: ReadSourceCheck
  RETURN_IF_ERROR(ReadOptional(*found, "sourceCheck", source_check), "policy");
  return policy;
}

Result<std::vector<AttachmentKey>> ParseValidAttachments(const Value& root,
                                                         const std::string& network) {
  constexpr std::string_view kKey = "cni.dev/valid-attachments";
  constexpr std::string_view kOldKey = "cni.dev/attachments";  // as the spec's text had it at first
  std::vector<AttachmentKey> valid;
  const auto found = root.contains(kKey) ? root.find(kKey) : root.find(kOldKey);
  if (found == root.end() || found->is_null()) return valid;
  if (!found->is_array()) return Fail(Code::kInvalidArgument, "{}: not a list", kKey);
  for (const Value& entry : *found) {
    AttachmentKey key{.network = network, .container_id = {}, .ifname = {}};
    RETURN_IF_ERROR(ReadRequired(entry, "containerID", key.container_id), kKey);
    RETURN_IF_ERROR(ReadRequired(entry, "ifname", key.ifname), kKey);
    valid.push_back(std::move(key));
  }
  return valid;
}

Result<std::optional<AddResult>> ParsePrevious(Value& root, Previous readable) {
  const auto found = root.find("prevResult");
  if (found == root.end() || found->is_null()) return std::nullopt;
  auto previous = ParseAddResult(*found);
  if (previous) return *std::move(previous);
  if (readable == Previous::kMustBeRight) {
    return std::unexpected(std::move(previous).error().Wrap("prevResult"));
  }
  root.erase(found);
  return std::nullopt;
}

// As the reference plugins: an empty list says "none", an empty object nothing.
Result<std::optional<Dns>> ParseDnsOverride(const Value& root) {
  ASSIGN_OR_RETURN(Dns dns, ParseDns(root));
  ASSIGN_OR_RETURN(const Value object, ReadObject(root, "dns"));
  bool said = !dns.domain.empty();
  for (const char* list : {"nameservers", "search", "options"}) {
    said = said || (object.contains(list) && !object[list].is_null());
  }
  if (!said) return std::nullopt;
  return dns;
}

}  // namespace

Result<> CheckMac(std::string_view mac) {
  constexpr size_t kMacChars = 17;
  bool good = mac.size() == kMacChars;
  for (size_t i = 0; good && i < mac.size(); ++i) {
    good = i % 3 == 2 ? mac[i] == ':' : std::isxdigit(static_cast<unsigned char>(mac[i])) != 0;
  }
  if (!good) return Fail(Code::kInvalidArgument, "mac: '{}' is not aa:bb:cc:dd:ee:ff", mac);
  const std::string_view even("02468aceACE");
  if (even.find(mac[1]) == std::string_view::npos || mac == "00:00:00:00:00:00") {
    return Fail(Code::kInvalidArgument, "mac: '{}' is not a unicast address", mac);
  }
  return {};
}

Result<Value> ReadObject(const Value& root, std::string_view key) {
  const auto found = root.find(key);
  if (found == root.end() || found->is_null()) return Value::object();
  if (!found->is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", key);
  return *found;
}

Result<SpecVersion> ReadSpecVersion(const Value& root) {
  std::string text;
  RETURN_IF_ERROR(ReadOptional(root, "cniVersion", text));
  return ParseSpecVersion(text);
}

Result<NetConf> ParseNetConf(Value root, Previous previous) {
  NetConf conf;
  // The reference plugins' decoder takes keys in any case, and this spelling is about.
  if (root.contains("RuntimeConfig") && !root.contains("runtimeConfig")) {
    root["runtimeConfig"] = root["RuntimeConfig"];
  }
  ASSIGN_OR_RETURN(conf.version, ReadSpecVersion(root));
  RETURN_IF_ERROR(ReadOptional(root, "name", conf.name));
  RETURN_IF_ERROR(CheckIdentifier(conf.name), "name");
  RETURN_IF_ERROR(ReadOptional(root, "type", conf.type));
  ASSIGN_OR_RETURN(const Value ipam, ReadObject(root, "ipam"));
  RETURN_IF_ERROR(ReadOptional(ipam, "type", conf.ipam_type), "ipam");
  ASSIGN_OR_RETURN(conf.dns, ParseDnsOverride(root));
  ASSIGN_OR_RETURN(conf.previous, ParsePrevious(root, previous));
  ASSIGN_OR_RETURN(conf.valid_attachments, ParseValidAttachments(root, conf.name));
  ASSIGN_OR_RETURN(conf.state_folder, ReadAbsolutePath(root, "stateDir", kDefaultStateFolder));
  ASSIGN_OR_RETURN(conf.policy, ParsePolicy(root));
  conf.root = std::move(root);
  return conf;
}

Result<uint32_t> ReadMtu(const Value& root) {
  constexpr uint32_t kMin = 68;  // ETH_MIN_MTU
  constexpr uint32_t kMax = 65535;
  uint32_t mtu_bytes = 0;
  RETURN_IF_ERROR(ReadOptional(root, "mtu", mtu_bytes));
  if (mtu_bytes == 0 || (mtu_bytes >= kMin && mtu_bytes <= kMax)) return mtu_bytes;
  return Fail(Code::kInvalidArgument, "mtu: {} is not from {} to {}", mtu_bytes, kMin, kMax);
}

Result<bool> ReadMasquerade(const Value& root) {
  bool masquerade = false;
  RETURN_IF_ERROR(ReadOptional(root, "ipMasq", masquerade));
  std::string backend;
  RETURN_IF_ERROR(ReadOptional(root, "ipMasqBackend", backend));
  if (!backend.empty() && backend != "nftables" && backend != "iptables") {
    return Fail(Code::kInvalidArgument, "ipMasqBackend: '{}' is neither nftables nor iptables",
                backend);
  }
  return masquerade;
}

Result<std::string> ReadRequestedMac(const Value& root, const Environment& environment) {
  std::string mac = environment.Arg("MAC");
  ASSIGN_OR_RETURN(const Value args, ReadObject(root, "args"));
  ASSIGN_OR_RETURN(const Value cni_args, ReadObject(args, "cni"), "args");
  RETURN_IF_ERROR(ReadOptional(cni_args, "mac", mac), "args.cni");
  ASSIGN_OR_RETURN(const Value runtime, ReadObject(root, "runtimeConfig"));
  RETURN_IF_ERROR(ReadOptional(runtime, "mac", mac), "runtimeConfig");
  if (!mac.empty()) RETURN_IF_ERROR(CheckMac(mac));
  return mac;
}

}  // namespace trivet::cni
