#pragma once

#include <map>
#include <string>

#include "cni/environment.h"
#include "cni/net_conf.h"
#include "cni/tuning/link_settings.h"
#include "common/base/error.h"

namespace trivet::cni {

/// The keys of type "tuning": what of the container's interface and of its network namespace is to
/// be changed. Source: the reference plugin's README.
struct TuningConf {
  std::map<std::string, std::string> sysctls;  // by the name that was given
  LinkSettings link;
  [[nodiscard]] bool empty() const { return sysctls.empty() && link.empty(); }
};

/// args.cni wins over the configuration; for the MAC address CNI_ARGS, args.cni and runtimeConfig
/// do, the last most. Errors: kInvalidArgument that names the key.
Result<TuningConf> ParseTuningConf(const NetConf& conf, const Environment& environment);

}  // namespace trivet::cni
