#include "cni/ipam/static.h"

#include <algorithm>

#include "cni/ipam/requested.h"

namespace trivet::cni {
namespace {

using json::Value;

// In the reference's words, which people look up.
Result<IpPrefix> ParseCidr(const std::string& text, std::string_view complaint) {
  const auto prefix = IpPrefix::Parse(text);
  if (prefix) return *prefix;
  return Fail(Code::kInvalidArgument, "{} in CIDR notation, got: '{}'", complaint, text);
}

Result<IpConfig> ParseStaticAddress(const Value& value) {
  IpConfig ip;
  std::string address;
  std::string gateway;
  if (!value.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  RETURN_IF_ERROR(json::ReadRequired(value, "address", address));
  ASSIGN_OR_RETURN(ip.address, ParseCidr(address, "the 'address' field is expected to be"));
  RETURN_IF_ERROR(json::ReadOptional(value, "gateway", gateway));
  if (!gateway.empty()) {
    ASSIGN_OR_RETURN(ip.gateway, IpAddress::Parse(gateway), "gateway");
  }
  return ip;
}

Result<std::vector<IpConfig>> ParseStaticAddresses(const Value& ipam) {
  std::vector<IpConfig> ips;
  const auto found = ipam.find("addresses");
  if (found == ipam.end() || found->is_null()) return ips;
  if (!found->is_array()) return Fail(Code::kInvalidArgument, "addresses: not a list");
  for (const Value& entry : *found) {
    ASSIGN_OR_RETURN(const IpConfig ip, ParseStaticAddress(entry));
    ips.push_back(ip);
  }
  return ips;
}

Result<> AppendPrefixes(const std::vector<std::string>& texts, std::string_view complaint,
                        std::vector<IpConfig>& ips) {
  for (const std::string& text : texts) {
    IpConfig ip;
    ASSIGN_OR_RETURN(ip.address, ParseCidr(text, complaint));
    ips.push_back(ip);
  }
  return {};
}

Result<> SetGateways(const std::vector<std::string>& texts, std::vector<IpConfig>& ips) {
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(const IpAddress gateway, IpAddress::Parse(text));
    for (IpConfig& ip : ips) {
      if (ip.address.Contains(gateway)) ip.gateway = gateway;
    }
  }
  return {};
}

Result<> CheckOnePerFamily(const std::vector<IpConfig>& ips, SpecVersion version) {
  const auto v4 = std::count_if(ips.begin(), ips.end(),
                                [](const IpConfig& ip) { return ip.address.address.is_v4(); });
  const auto v6 = static_cast<long>(ips.size()) - v4;
  if (version >= SpecVersion::k030 || std::max<long>(v4, v6) <= 1) return {};
  return Fail(Code::kInvalidArgument,
              "CNI version {} does not support more than 1 address per family", Name(version));
}

}  // namespace

Result<AddResult> ParseStaticConf(const NetConf& conf, const Environment& environment) {
  AddResult result;
  ASSIGN_OR_RETURN(const Value ipam, ReadObject(conf.root, "ipam"));
  if (!conf.root.contains("ipam")) {
    return Fail(Code::kInvalidArgument, "IPAM config missing 'ipam' key");
  }
  ASSIGN_OR_RETURN(result.ips, ParseStaticAddresses(ipam));
  RETURN_IF_ERROR(AppendPrefixes(SplitAtCommas(environment.Arg("IP")),
                                 "the 'ip' field is expected to be", result.ips));
  RETURN_IF_ERROR(SetGateways(SplitAtCommas(environment.Arg("GATEWAY")), result.ips),
                  "CNI_ARGS GATEWAY");
  ASSIGN_OR_RETURN(const RequestedIps requested, ReadRequestedIps(conf.root));
  for (const RequestedIps::List& list : requested.lists()) {
    if (list.texts.empty()) continue;
    result.ips.clear();
    RETURN_IF_ERROR(AppendPrefixes(list.texts, "an entry in the 'ips' field is NOT", result.ips));
  }
  RETURN_IF_ERROR(CheckOnePerFamily(result.ips, conf.version));
  ASSIGN_OR_RETURN(result.routes, ParseRoutes(ipam), "ipam");
  ASSIGN_OR_RETURN(result.dns, ParseDns(ipam), "ipam");
  return result;
}

Result<AddResult> Static::Add() {
  return ParseStaticConf(conf_, environment_);
}

Result<> Static::Check() {
  ASSIGN_OR_RETURN(const AddResult wanted, ParseStaticConf(conf_, environment_));
  if (!conf_.previous) return Fail(Code::kInvalidArgument, "prevResult: missing");
  for (const IpConfig& ip : wanted.ips) {
    const auto& told = conf_.previous->ips;
    const auto found = std::find_if(told.begin(), told.end(), [&](const IpConfig& candidate) {
      return candidate.address.address == ip.address.address;
    });
    if (found == told.end()) {
      return Fail(Code::kFailedPrecondition, "address {} is not in prevResult",
                  ip.address.ToString());
    }
    if (ip.gateway && found->gateway != ip.gateway) {
      return Fail(Code::kFailedPrecondition, "address {} has another gateway than {} in prevResult",
                  ip.address.ToString(), ip.gateway->ToString());
    }
  }
  return {};
}

Result<> Static::Status() {
  RETURN_IF_ERROR(ParseStaticConf(conf_, environment_));
  return {};
}

}  // namespace trivet::cni
