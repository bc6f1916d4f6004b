#include "cni/ipam_plugin.h"

#include "cni/ipam/host_local.h"
#include "cni/ipam/static.h"

namespace trivet::cni {

Result<std::unique_ptr<Plugin>> IpamPlugin::MakeHostLocal(const NetConf& conf,
                                                          const Environment& environment) {
  std::unique_ptr<Plugin> plugin =
      std::make_unique<IpamPlugin>(conf, std::make_unique<HostLocal>(conf, environment));
  return plugin;
}

Result<std::unique_ptr<Plugin>> IpamPlugin::MakeStatic(const NetConf& conf,
                                                       const Environment& environment) {
  std::unique_ptr<Plugin> plugin =
      std::make_unique<IpamPlugin>(conf, std::make_unique<Static>(conf, environment));
  return plugin;
}

Result<json::Value> IpamPlugin::Add() {
  ASSIGN_OR_RETURN(const AddResult result, ipam_->Add());
  return ToJson(result, conf_.version);
}

}  // namespace trivet::cni
