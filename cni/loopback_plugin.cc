#include "cni/loopback_plugin.h"

#include <net/if.h>

#include "cni/address.h"
#include "cni/link.h"
#include "common/linux/netns.h"

namespace trivet::cni {
namespace {

constexpr const char* kLoopback = "lo";  // whatever CNI_IFNAME says, as in the reference plugin

}  // namespace

Result<std::unique_ptr<Plugin>> LoopbackPlugin::Make(const NetConf& conf,
                                                     const Environment& environment) {
  std::unique_ptr<Plugin> plugin = std::make_unique<LoopbackPlugin>(conf, environment);
  return plugin;
}

Result<json::Value> LoopbackPlugin::Add() {
  ASSIGN_OR_RETURN(auto socket, OpenRouteSocketIn(environment_.netns));
  ASSIGN_OR_RETURN(const Link link, ReadLink(socket, kLoopback));
  RETURN_IF_ERROR(SetLinkFlags(socket, link, IFF_UP, IFF_UP));
  if (conf_.previous) return ToJson(*conf_.previous, conf_.version);

  AddResult result;
  result.interfaces = {{.name = link.name, .mac = link.mac, .sandbox = environment_.netns}};
  ASSIGN_OR_RETURN(const std::vector<IpPrefix> addresses, ListAddresses(socket, link));
  for (const IpPrefix& address : addresses) {
    result.ips.push_back({.address = address, .gateway = {}, .interface = 0});
  }
  return ToJson(result, conf_.version);
}

Result<> LoopbackPlugin::Del() {
  if (environment_.netns.empty()) return {};
  auto socket = OpenRouteSocketIn(environment_.netns);
  if (!socket) {
    const Code code = socket.error().code();
    // Gone, or its file is left without the namespace.
    if (code == Code::kNotFound || code == Code::kInvalidArgument) return {};
    return std::unexpected(std::move(socket).error());
  }
  ASSIGN_OR_RETURN(const Link link, ReadLink(*socket, kLoopback));
  return SetLinkFlags(*socket, link, 0, IFF_UP);
}

Result<> LoopbackPlugin::Check() {
  ASSIGN_OR_RETURN(auto socket, OpenRouteSocketIn(environment_.netns));
  ASSIGN_OR_RETURN(const Link link, ReadLink(socket, kLoopback));
  if ((link.flags & IFF_UP) == 0) return Fail(Code::kFailedPrecondition, "link lo is down");
  return {};
}

}  // namespace trivet::cni
