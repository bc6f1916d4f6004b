#include "cni/ipam/ipam.h"

#include "cni/ipam/delegate.h"
#include "cni/ipam/host_local.h"
#include "cni/ipam/static.h"
#include "cni/plugin.h"

namespace trivet::cni {

Result<std::unique_ptr<Ipam>> MakeIpam(const NetConf& conf, const Environment& environment) {
  std::unique_ptr<Ipam> ipam;
  if (conf.ipam_type == kHostLocalType) {
    ipam = std::make_unique<HostLocal>(conf, environment);
  } else if (conf.ipam_type == kStaticType) {
    ipam = std::make_unique<Static>(conf, environment);
  } else if (IsPluginType(conf.ipam_type)) {
    return Fail(Code::kInvalidArgument, "ipam: type: '{}' is no IPAM plugin", conf.ipam_type);
  } else if (!conf.ipam_type.empty()) {
    // Before anything is recorded: what cannot be asked for addresses cannot be asked to free them.
    if (environment.command == Command::kAdd) {
      RETURN_IF_ERROR(FindPlugin(environment, conf.ipam_type));
    }
    ipam = std::make_unique<Delegate>(conf, environment);
  } else if (const auto found = conf.root.find("ipam");
             found != conf.root.end() && found->is_object() && !found->empty()) {
    return Fail(Code::kInvalidArgument, "ipam: type: missing");
  }
  return ipam;
}

}  // namespace trivet::cni
