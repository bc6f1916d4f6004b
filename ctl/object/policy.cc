#include "ctl/object/policy.h"

#include "ctl/object/ip_block.h"
#include "ctl/object/labels.h"

namespace trivet::ctl {
namespace {

constexpr int64_t kMaxPort = 65535;

Result<bool> CheckSelectorAt(Fields& parent, std::string_view key) {
  ASSIGN_OR_RETURN(auto selector, parent.Object(key));
  if (!selector) return false;
  RETURN_IF_ERROR(CheckSelector(*std::move(selector)));
  return true;
}

Result<> CheckPeer(Fields& peer) {
  ASSIGN_OR_RETURN(const bool pods, CheckSelectorAt(peer, "podSelector"));
  ASSIGN_OR_RETURN(const bool namespaces, CheckSelectorAt(peer, "namespaceSelector"));
  ASSIGN_OR_RETURN(auto block, peer.Object("ipBlock"));
  RETURN_IF_ERROR(peer.Finish());
  if (!block) {
    if (pods || namespaces) return {};
    return peer.Complain("", "needs a podSelector, a namespaceSelector or an ipBlock");
  }
  if (pods || namespaces) return peer.Complain("ipBlock", "not together with a selector");
  return CheckIpBlock(*std::move(block));
}

Result<> CheckNumber(const Fields& port, std::string_view key) {
  const json::Value& value = port.object().at(std::string(key));
  if (value.is_number_integer() && value >= 1 && value <= kMaxPort) return {};
  return port.Complain(key, fmt::format("not in 1..{}", kMaxPort));
}

// A number, perhaps with the end of a range, or a name.
Result<> CheckPort(Fields& port) {
  std::string protocol = "TCP";
  RETURN_IF_ERROR(port.Read("protocol", protocol));
  if (protocol != "TCP" && protocol != "UDP" && protocol != "SCTP") {
    return port.Complain("protocol", "not one of TCP, UDP, SCTP");
  }
  port.Accept({"port", "endPort"});
  RETURN_IF_ERROR(port.Finish());
  const bool named = port.Has("port") && port.object().at("port").is_string();
  if (named && !IsLabelValue(port.object().at("port").get<std::string>())) {
    return port.Complain("port", "no name of a port");
  }
  if (port.Has("port") && !named) RETURN_IF_ERROR(CheckNumber(port, "port"));
  if (!port.Has("endPort")) return {};
  if (named || !port.Has("port")) return port.Complain("endPort", "needs a port that is a number");
  RETURN_IF_ERROR(CheckNumber(port, "endPort"));
  if (port.object().at("endPort") >= port.object().at("port")) return {};
  return port.Complain("endPort", "below port");
}

Result<> CheckRules(Fields& spec, std::string_view key, std::string_view peers_key) {
  ASSIGN_OR_RETURN(auto rules, spec.List(key));
  for (Fields& rule : rules) {
    ASSIGN_OR_RETURN(auto peers, rule.List(peers_key));
    for (Fields& peer : peers) RETURN_IF_ERROR(CheckPeer(peer));
    ASSIGN_OR_RETURN(auto ports, rule.List("ports"));
    for (Fields& port : ports) RETURN_IF_ERROR(CheckPort(port));
    RETURN_IF_ERROR(rule.Finish());
  }
  return {};
}

Result<> CheckTypes(Fields& spec) {
  std::vector<std::string> types;
  RETURN_IF_ERROR(spec.Read("policyTypes", types));
  for (const std::string& type : types) {
    if (type != "Ingress" && type != "Egress") {
      return spec.Complain("policyTypes", fmt::format("\"{}\" is not Ingress or Egress", type));
    }
  }
  return {};
}

}  // namespace

Result<Metadata> ReadPolicy(Fields document) {
  ASSIGN_OR_RETURN(Metadata metadata, ReadMetadata(document));
  ASSIGN_OR_RETURN(auto spec, document.Object("spec"));
  if (!spec) return document.Complain("spec", "missing");
  RETURN_IF_ERROR(CheckSelectorAt(*spec, "podSelector"));
  RETURN_IF_ERROR(CheckRules(*spec, "ingress", "from"));
  RETURN_IF_ERROR(CheckRules(*spec, "egress", "to"));
  RETURN_IF_ERROR(CheckTypes(*spec));
  RETURN_IF_ERROR(spec->Finish());
  RETURN_IF_ERROR(document.Finish());
  return metadata;
}

}  // namespace trivet::ctl
