#pragma once

#include <string_view>

#include "cni/net_conf.h"
#include "common/base/error.h"

namespace trivet::cni {

/// Which forwarded packets a pod gets. Source: the reference plugin's README.
enum class IngressPolicy {
  kOpen,        // all
  kSameBridge,  // none from bridges that have a policy, but from its own
  kIsolated,    // none from bridges that have a policy
};

/// "ingressPolicy", and "backend", which is nftables whatever is written.
/// Errors: kInvalidArgument that names the key; kUnimplemented for firewalld and for keys that mean
/// something to iptables alone.
Result<IngressPolicy> ParseIngressPolicy(const NetConf& conf);

std::string_view Name(IngressPolicy policy);

}  // namespace trivet::cni
