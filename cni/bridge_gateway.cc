#include "cni/bridge_gateway.h"

#include <algorithm>

#include "cni/hash.h"

namespace trivet::cni {
namespace {

bool HasDefaultRoute(const AddResult& result, bool v4) {
  return std::any_of(result.routes.begin(), result.routes.end(), [&](const Route& route) {
    return route.destination.IsDefault() && route.destination.address.is_v4() == v4;
  });
}

}  // namespace

void CompleteGateways(const BridgeConf& bridge, AddResult& result) {
  for (IpConfig& ip : result.ips) {
    if (bridge.is_gateway && !ip.gateway) ip.gateway = ip.address.Network().address.Next();
    const bool v4 = ip.address.address.is_v4();
    if (!bridge.is_default_gateway || HasDefaultRoute(result, v4)) continue;
    Route route;
    route.destination = {ip.address.address.WithHostBits(0, false), 0};
    route.gateway = ip.gateway;
    result.routes.push_back(route);
  }
}

std::vector<IpPrefix> GatewayAddresses(const AddResult& result) {
  std::vector<IpPrefix> addresses;
  for (const IpConfig& ip : result.ips) {
    if (!ip.gateway) continue;
    const IpPrefix address{*ip.gateway, ip.address.length};
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  return addresses;
}

std::string MacOf(const IpAddress& address) {
  constexpr uint32_t kByteMask = 0xff;
  uint32_t number = 0;
  if (address.is_v4()) {
    for (const std::byte byte : address.bytes()) {
      number = number << 8 | std::to_integer<uint32_t>(byte);
    }
  } else {
    number = static_cast<uint32_t>(Hash(address.ToString()));
  }
  // 0a: locally administered, unicast.
  return fmt::format("0a:{}:{:02x}:{:02x}:{:02x}:{:02x}", address.is_v4() ? "58" : "59",
                     number >> 24, number >> 16 & kByteMask, number >> 8 & kByteMask,
                     number & kByteMask);
}

}  // namespace trivet::cni
