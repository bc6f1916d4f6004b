#include "cni/plugin.h"

#include <algorithm>
#include <array>

#include "cni/bandwidth/bandwidth_plugin.h"
#include "cni/bridge_plugin.h"
#include "cni/firewall/firewall_plugin.h"
#include "cni/ipam_plugin.h"
#include "cni/loopback_plugin.h"
#include "cni/portmap/portmap_plugin.h"
#include "cni/ptp_plugin.h"
#include "cni/tuning/tuning_plugin.h"

namespace trivet::cni {
namespace {

using Maker = Result<std::unique_ptr<Plugin>> (*)(const NetConf& conf,
                                                  const Environment& environment);

struct Type {
  std::string_view name;
  Maker make;
};

constexpr std::array<Type, 9> kTypes{{{"bandwidth", BandwidthPlugin::Make},
                                      {"bridge", BridgePlugin::Make},
                                      {"firewall", FirewallPlugin::Make},
                                      {"host-local", IpamPlugin::MakeHostLocal},
                                      {"loopback", LoopbackPlugin::Make},
                                      {"portmap", PortmapPlugin::Make},
                                      {"ptp", PtpPlugin::Make},
                                      {"static", IpamPlugin::MakeStatic},
                                      {"tuning", TuningPlugin::Make}}};

const Type* FindType(std::string_view name) {
  const auto* const found = std::find_if(kTypes.begin(), kTypes.end(),
                                         [&](const Type& type) { return type.name == name; });
  return found == kTypes.end() ? nullptr : found;
}

}  // namespace

bool IsPluginType(std::string_view type) {
  return FindType(type) != nullptr;
}

Result<std::unique_ptr<Plugin>> MakePlugin(std::string_view type, const NetConf& conf,
                                           const Environment& environment) {
  const Type* const found = FindType(type);
  if (found == nullptr) return Fail(Code::kUnimplemented, "type: '{}' is not built in", type);
  return found->make(conf, environment);
}

}  // namespace trivet::cni
