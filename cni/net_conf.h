#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cni/add_result.h"
#include "cni/attachment_key.h"
#include "cni/environment.h"
#include "cni/spec_version.h"
#include "common/base/error.h"
#include "common/base/json.h"

namespace trivet::cni {

/// "policy": the agent that puts a pod's policy in force inside ADD.
struct PolicyConf {
  std::filesystem::path socket = "/run/trivet/netpolicy.sock";
  bool required = true;  // false: an agent that is away does not stop an ADD
};

/// What every plugin of ours reads from the network configuration on stdin; the keys of one plugin
/// are read by that plugin from `root`. Keys that nobody knows are ignored, as the spec lets a
/// plugin decide. Source: CNI spec 1.1.0, sections 1 and 2.
struct NetConf {
  SpecVersion version = SpecVersion::k010;
  std::string name;
  std::string type;
  std::string ipam_type;                         // empty: no addresses
  std::optional<Dns> dns;                        // what it says replaces what the IPAM plugin says
  std::optional<AddResult> previous;             // "prevResult"
  std::vector<AttachmentKey> valid_attachments;  // "cni.dev/valid-attachments" of GC
  std::filesystem::path state_folder;            // "stateDir"
  std::optional<PolicyConf> policy;
  json::Value root;  // the whole document
  std::string text;  // as it came; empty where it is a part of a list
};

/// "cniVersion" alone, so that a wrong one gets an error code of its own.
/// Errors: kInvalidArgument.
Result<SpecVersion> ReadSpecVersion(const json::Value& root);

/// What a prevResult that cannot be read is: an error, or as if there were none.
enum class Previous { kMustBeRight, kMayBeDamaged };
/// Errors: kInvalidArgument that names the key.
Result<NetConf> ParseNetConf(json::Value root, Previous previous = Previous::kMustBeRight);

/// object[key] of `root` where it is an object, else an empty object. Errors: kInvalidArgument when
/// it is something else.
Result<json::Value> ReadObject(const json::Value& root, std::string_view key);

/// Six octets in hexadecimal, aa:bb:cc:dd:ee:ff, a unicast address: the kernel refuses others, but
/// late. Errors: kInvalidArgument.
Result<> CheckMac(std::string_view mac);

/// "mtu"; 0: the kernel's choice. Errors: kInvalidArgument.
Result<uint32_t> ReadMtu(const json::Value& root);

/// "ipMasq". "ipMasqBackend" is accepted as the reference plugins spell it and changes nothing: the
/// rules are nftables' in either case. Errors: kInvalidArgument, also for another back end.
Result<bool> ReadMasquerade(const json::Value& root);

/// The MAC address that was asked for, the first of runtimeConfig.mac, args.cni.mac, CNI_ARGS MAC;
/// empty for none. Errors: kInvalidArgument.
Result<std::string> ReadRequestedMac(const json::Value& root, const Environment& environment);

}  // namespace trivet::cni
