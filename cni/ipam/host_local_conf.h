#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "cni/environment.h"
#include "cni/ipam/range.h"
#include "cni/net_conf.h"
#include "common/base/error.h"

namespace trivet::cni {

/// The `ipam` object of type host-local, with what the runtime adds to it.
struct HostLocalConf {
  std::filesystem::path folder;  // "dataDir"/<network name>
  std::vector<RangeSet> sets;    // one address from each
  std::vector<Route> routes;
  Dns dns;                           // of "resolvConf"
  std::vector<IpAddress> requested;  // runtimeConfig.ips, args.cni.ips, CNI_ARGS IP
};

/// Errors: kInvalidArgument that names the key; kNotFound when "resolvConf" is absent.
Result<HostLocalConf> ParseHostLocalConf(const NetConf& conf, const Environment& environment);

/// "dataDir"/<network name> alone: what is needed to free addresses, whatever else the
/// configuration says. Errors: kInvalidArgument.
Result<std::filesystem::path> ReadReservationFolder(const NetConf& conf);

/// nameserver, domain, search, options; other lines are ignored. Source: man 5 resolv.conf.
Dns ParseResolvConf(std::string_view text);

}  // namespace trivet::cni
