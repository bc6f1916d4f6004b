#include "cri-runtime/cni/network.h"

#include <arpa/inet.h>

#include <array>

namespace trivet::network {
namespace {

Result<std::string> WithoutPrefixLength(const std::string& cidr) {
  const std::string address = cidr.substr(0, cidr.find('/'));
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  if (::inet_pton(AF_INET, address.c_str(), binary.data()) == 1 ||
      ::inet_pton(AF_INET6, address.c_str(), binary.data()) == 1) {
    return address;
  }
  return Fail(Code::kInvalidArgument, "unexpected address \"{}\"", cidr);
}

}  // namespace

Result<json::Value> Network::Add(const NetworkConfig& network, const Attachment& attachment,
                                 const json::Value& capability_args) const {
  json::Value result;
  for (const Plugin& plugin : network.plugins) {
    const json::Value config = ExecutionConfig(network, plugin, capability_args, result);
    ASSIGN_OR_RETURN(result, ExecutePlugin(directories_, plugin.type, "ADD", attachment, config));
  }
  if (!result.is_object()) {
    return Fail(Code::kInternal, "{} ADD: no result", network.plugins.back().type);
  }
  return result;
}

Result<> Network::Delete(const NetworkConfig& network, const Attachment& attachment,
                         const json::Value& capability_args, const json::Value& add_result) const {
  Result<> first_failure;
  for (auto plugin = network.plugins.rbegin(); plugin != network.plugins.rend(); ++plugin) {
    const json::Value config = ExecutionConfig(network, *plugin, capability_args, add_result);
    auto deleted = ExecutePlugin(directories_, plugin->type, "DEL", attachment, config);
    if (!deleted && first_failure) first_failure = std::unexpected(std::move(deleted).error());
  }
  return first_failure;
}

Result<std::vector<std::string>> AddressesOf(const json::Value& result) {
  std::vector<std::string> cidrs;
  if (const auto ips = result.find("ips"); ips != result.end() && ips->is_array()) {
    for (const json::Value& ip : *ips) {
      RETURN_IF_ERROR(json::ReadRequired(ip, "address", cidrs.emplace_back()), "ips");
    }
  }
  for (const std::string_view key : {"ip4", "ip6"}) {
    const auto ip = result.find(key);
    if (ip == result.end() || !ip->is_object()) continue;
    RETURN_IF_ERROR(json::ReadRequired(*ip, "ip", cidrs.emplace_back()), key);
  }
  std::vector<std::string> addresses;
  for (const std::string& cidr : cidrs) {
    ASSIGN_OR_RETURN(addresses.emplace_back(), WithoutPrefixLength(cidr), "result");
  }
  return addresses;
}

}  // namespace trivet::network
