#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cni/ip_prefix.h"
#include "cni/spec_version.h"
#include "common/base/error.h"
#include "common/base/json.h"

namespace trivet::cni {

struct Interface {
  std::string name;
  std::string mac;
  uint32_t mtu_bytes = 0;  // 0: not said
  std::string sandbox;     // the netns path; empty on the host's side
};

struct IpConfig {
  IpPrefix address;
  std::optional<IpAddress> gateway;
  std::optional<uint32_t> interface;  // index into AddResult::interfaces
};

struct Route {
  IpPrefix destination;
  std::optional<IpAddress> gateway;
  // Since 1.1.0; absent: the kernel's choice.
  std::optional<uint32_t> mtu_bytes;
  std::optional<uint32_t> advmss_bytes;
  std::optional<uint32_t> priority;
  std::optional<uint32_t> table;
  std::optional<uint32_t> scope;
  // What packets leave with that have no source address yet. The kernel's alone, in no result.
  std::optional<IpAddress> source;
};

struct Dns {
  std::vector<std::string> nameservers;
  std::string domain;
  std::vector<std::string> search;
  std::vector<std::string> options;
  [[nodiscard]] bool empty() const {
    return nameservers.empty() && domain.empty() && search.empty() && options.empty();
  }
};

/// The answer to ADD, of a plugin or of an IPAM plugin (then without interfaces).
/// Source: CNI spec 1.1.0, section 5.
struct AddResult {
  std::vector<Interface> interfaces;
  std::vector<IpConfig> ips;
  std::vector<Route> routes;
  Dns dns;
};

/// Reads a result of any version (prevResult, an IPAM plugin's answer).
/// Errors: kInvalidArgument that names the field.
Result<AddResult> ParseAddResult(const json::Value& value);

/// Reads the `dns` object of `owner`; absent is empty. Errors: kInvalidArgument.
Result<Dns> ParseDns(const json::Value& owner);

/// Reads the `routes` list of `owner`; absent is empty. Errors: kInvalidArgument.
Result<std::vector<Route>> ParseRoutes(const json::Value& owner);

/// The result in the shape of `version`. 0.1.0 and 0.2.0 know one address per family: the first.
json::Value ToJson(const AddResult& result, SpecVersion version);

}  // namespace trivet::cni
