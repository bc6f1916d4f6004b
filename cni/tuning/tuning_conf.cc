#include "cni/tuning/tuning_conf.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "cni/tuning/net_sysctl.h"

namespace trivet::cni {
namespace {

// A name twice is a mistake, or hides a value from whoever reviews it; json::Parse keeps the last.
Result<> RejectDuplicateKeys(std::string_view text) {
  std::vector<std::set<std::string>> open;  // objects around, outermost first
  std::string duplicate;
  const auto collect = [&](int /*depth*/, json::Value::parse_event_t event,
                           const json::Value& key) {
    if (event == json::Value::parse_event_t::object_start) open.emplace_back();
    if (event == json::Value::parse_event_t::object_end) open.pop_back();
    if (event == json::Value::parse_event_t::key && duplicate.empty() &&
        !open.back().insert(key.get<std::string>()).second) {
      duplicate = key.get<std::string>();
    }
    return true;
  };
  std::ignore = json::Value::parse(text, collect, /*allow_exceptions=*/false);
  if (duplicate.empty()) return {};
  return Fail(Code::kInvalidArgument, "{}: duplicated key", duplicate);
}

// What `object` says wins over what is there.
Result<> ReadLinkKeys(const json::Value& object, LinkSettings& link) {
  RETURN_IF_ERROR(ReadMtu(object));
  ASSIGN_OR_RETURN(const LinkSettings said, ParseLinkSettings(object));
  if (!said.mac.empty()) {
    RETURN_IF_ERROR(CheckMac(said.mac));
    link.mac = said.mac;
  }
  if (said.mtu_bytes != 0) link.mtu_bytes = said.mtu_bytes;
  if (said.promiscuous) link.promiscuous = said.promiscuous;
  if (said.all_multicast) link.all_multicast = said.all_multicast;
  if (said.tx_queue_length) link.tx_queue_length = said.tx_queue_length;
  return {};
}

Result<> ReadSysctls(const json::Value& object, TuningConf& tuning) {
  std::map<std::string, std::string> sysctls;
  RETURN_IF_ERROR(json::ReadOptional(object, "sysctl", sysctls));
  for (auto& [name, value] : sysctls) tuning.sysctls[name] = value;
  return {};
}

// Whatever the interface's name is: another one changes only the spelling.
Result<> CheckSysctls(const TuningConf& tuning) {
  for (const auto& [name, value] : tuning.sysctls) {
    RETURN_IF_ERROR(NetSysctlPath(name, "eth0"), "sysctl");
    if (value.find('\0') != std::string::npos) {
      return Fail(Code::kInvalidArgument, "sysctl: {}: a value with a zero byte", name);
    }
  }
  return {};
}

}  // namespace

Result<TuningConf> ParseTuningConf(const NetConf& conf, const Environment& environment) {
  RETURN_IF_ERROR(RejectDuplicateKeys(conf.text));
  ASSIGN_OR_RETURN(const json::Value args, ReadObject(conf.root, "args"));
  ASSIGN_OR_RETURN(const json::Value cni_args, ReadObject(args, "cni"), "args");
  TuningConf tuning;
  RETURN_IF_ERROR(ReadLinkKeys(conf.root, tuning.link));
  RETURN_IF_ERROR(ReadLinkKeys(cni_args, tuning.link), "args.cni");
  RETURN_IF_ERROR(ReadSysctls(conf.root, tuning));
  RETURN_IF_ERROR(ReadSysctls(cni_args, tuning), "args.cni");
  RETURN_IF_ERROR(CheckSysctls(tuning));

  ASSIGN_OR_RETURN(const std::string requested, ReadRequestedMac(conf.root, environment));
  LinkSettings& link = tuning.link;
  if (!requested.empty()) link.mac = requested;
  // As the kernel will tell it.
  std::transform(link.mac.begin(), link.mac.end(), link.mac.begin(), ::tolower);
  // As with the reference: false asks for nothing.
  if (link.promiscuous == false) link.promiscuous.reset();
  return tuning;
}

}  // namespace trivet::cni
