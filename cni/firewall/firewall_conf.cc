#include "cni/firewall/firewall_conf.h"

#include <array>

namespace trivet::cni {
namespace {

constexpr std::array kIngressPolicies{IngressPolicy::kOpen, IngressPolicy::kSameBridge,
                                      IngressPolicy::kIsolated};

Result<> CheckBackend(const json::Value& root) {
  std::string backend;
  RETURN_IF_ERROR(json::ReadOptional(root, "backend", backend));
  if (backend == "firewalld") {
    return Fail(Code::kUnimplemented, "backend: 'firewalld' is not supported; nftables is");
  }
  if (!backend.empty() && backend != "nftables" && backend != "iptables") {
    return Fail(Code::kInvalidArgument, "backend: '{}' is neither nftables nor iptables", backend);
  }
  std::string chain;
  RETURN_IF_ERROR(json::ReadOptional(root, "iptablesAdminChainName", chain));
  if (chain.empty()) return {};
  return Fail(Code::kUnimplemented,
              "iptablesAdminChainName: '{}' is not supported: rules of yours go into a table of "
              "yours, at a priority below -5",
              chain);
}

}  // namespace

std::string_view Name(IngressPolicy policy) {
  switch (policy) {
    case IngressPolicy::kOpen:
      return "open";
    case IngressPolicy::kSameBridge:
      return "same-bridge";
    case IngressPolicy::kIsolated:
      return "isolated";
  }
  return "";
}

Result<IngressPolicy> ParseIngressPolicy(const NetConf& conf) {
  RETURN_IF_ERROR(CheckBackend(conf.root));
  std::string text;
  RETURN_IF_ERROR(json::ReadOptional(conf.root, "ingressPolicy", text));
  if (text.empty()) return IngressPolicy::kOpen;
  for (const IngressPolicy policy : kIngressPolicies) {
    if (Name(policy) == text) return policy;
  }
  return Fail(Code::kInvalidArgument, "ingressPolicy: '{}' is none of open, same-bridge, isolated",
              text);
}

}  // namespace trivet::cni
