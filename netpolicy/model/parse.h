#pragma once

#include "common/base/json.h"
#include "netpolicy/model/objects.h"

namespace trivet::netpolicy {

/// A Namespace, Pod or NetworkPolicy object as kubectl would send it, validated as the API server
/// would. Unknown fields are ignored, as everywhere in Kubernetes. metadata.namespace defaults to
/// "default".
/// Errors: kInvalidArgument "spec.ingress[0].from[1].ipBlock.cidr: 'x' is not an IP address".
Result<Pod> ParsePod(const json::Value& object);
Result<std::pair<std::string, Labels>> ParseNamespace(const json::Value& object);
Result<NetworkPolicy> ParseNetworkPolicy(const json::Value& object);

/// "TCP", "UDP" or "SCTP". Errors: kInvalidArgument.
Result<Protocol> ParseProtocol(std::string_view text);

}  // namespace trivet::netpolicy
