#include "cni/host_local_plugin.h"

namespace trivet::cni {

Result<std::unique_ptr<Plugin>> HostLocalPlugin::Make(const NetConf& conf,
                                                      const Environment& environment) {
  std::unique_ptr<Plugin> plugin = std::make_unique<HostLocalPlugin>(conf, environment);
  return plugin;
}

Result<json::Value> HostLocalPlugin::Add() {
  ASSIGN_OR_RETURN(const AddResult result, host_local_.Add());
  return ToJson(result, conf_.version);
}

}  // namespace trivet::cni
