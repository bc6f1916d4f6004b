#include "netpolicy/model/parse.h"

#include <algorithm>
#include <cctype>

#include "netpolicy/model/parse_fields.h"

namespace trivet::netpolicy {
namespace {

constexpr const char* kDefaultNamespace = "default";
constexpr const char* kMirrorAnnotation = "kubernetes.io/config.mirror";
constexpr int64_t kMaxPort = 65535;
constexpr size_t kMaxLabelBytes = 317;  // a key: 253 of its prefix, the slash, 63 of its name

// A label's key or value, an object's or a port's name. Canonical texts are free of ambiguity
// because none of these has one of their separators.
Result<> CheckLabelText(std::string_view text) {
  const bool allowed = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '/';
  });
  if (!allowed || text.size() > kMaxLabelBytes) {
    return Fail(Code::kInvalidArgument, "'{}' has a character that is not allowed, or is too long",
                text);
  }
  return {};
}

// One that no container port can have would match nothing, as "80" in quotes.
// Source: kubernetes, apimachinery/pkg/util/validation, IsValidPortName.
Result<> CheckPortName(std::string_view name) {
  constexpr size_t kMaxBytes = 15;
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool allowed = std::ranges::all_of(
      name, [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '-'; });
  if (allowed && name.size() <= kMaxBytes && std::ranges::any_of(name, lower) &&
      !name.starts_with('-') && !name.ends_with('-') && !name.contains("--")) {
    return {};
  }
  return Fail(Code::kInvalidArgument,
              "'{}' is neither a number nor a port's name: 1 to {} of a-z, 0-9 and '-', with a "
              "letter",
              name, kMaxBytes);
}

Result<> CheckLabels(const Labels& labels) {
  for (const auto& [key, value] : labels) {
    RETURN_IF_ERROR(CheckLabelText(key));
    RETURN_IF_ERROR(CheckLabelText(value));
  }
  return {};
}

Result<ObjectName> ParseName(const json::Value& metadata) {
  ObjectName name{kDefaultNamespace, ""};
  RETURN_IF_ERROR(json::ReadOptional(metadata, "namespace", name.first), "metadata");
  if (name.first.empty()) name.first = kDefaultNamespace;
  RETURN_IF_ERROR(json::ReadRequired(metadata, "name", name.second), "metadata");
  RETURN_IF_ERROR(CheckLabelText(name.first), "metadata.namespace");
  RETURN_IF_ERROR(CheckLabelText(name.second), "metadata.name");
  return name;
}

Result<const json::Value*> RequireObject(const json::Value& parent, std::string_view key) {
  ASSIGN_OR_RETURN(const json::Value* member, fields::Object(parent, key));
  if (member == nullptr) return Fail(Code::kInvalidArgument, "{}: missing", key);
  return member;
}

// Ports of containers and of init containers: a restartable init container may serve as well.
Result<> ParseContainerPorts(const json::Value& spec, std::string_view key, Pod& pod) {
  return fields::ForEachObject(spec, key, [&](const json::Value& container) {
    return fields::ForEachObject(container, "ports", [&](const json::Value& port) -> Result<> {
      NamedPort named;
      std::string protocol = "TCP";
      RETURN_IF_ERROR(json::ReadOptional(port, "name", named.name));
      RETURN_IF_ERROR(json::ReadOptional(port, "protocol", protocol));
      ASSIGN_OR_RETURN(named.protocol, ParseProtocol(protocol), "protocol");
      RETURN_IF_ERROR(json::ReadRequired(port, "containerPort", named.number));
      if (!named.name.empty()) pod.ports.push_back(std::move(named));
      return {};
    });
  });
}

// The uid by which the kubelet runs the pod. The object of a static pod, its mirror, has another.
Result<std::string> ParseUid(const json::Value& metadata) {
  std::string uid;
  RETURN_IF_ERROR(json::ReadOptional(metadata, "uid", uid));
  ASSIGN_OR_RETURN(const json::Value* annotations, fields::Object(metadata, "annotations"));
  if (annotations == nullptr) return uid;
  RETURN_IF_ERROR(json::ReadOptional(*annotations, kMirrorAnnotation, uid), "annotations");
  return uid;
}

Result<> ParseStatus(const json::Value& status, Pod& pod) {
  std::string phase;
  RETURN_IF_ERROR(json::ReadOptional(status, "phase", phase));
  pod.finished = phase == "Succeeded" || phase == "Failed";
  auto read_address = [&](const json::Value& item) -> Result<> {
    std::string text;
    RETURN_IF_ERROR(json::ReadRequired(item, "ip", text));
    ASSIGN_OR_RETURN(Address address, Address::Parse(text), "ip");
    pod.addresses.push_back(std::move(address));
    return {};
  };
  RETURN_IF_ERROR(fields::ForEachObject(status, "podIPs", read_address));
  std::string single;
  RETURN_IF_ERROR(json::ReadOptional(status, "podIP", single));
  if (pod.addresses.empty() && !single.empty()) {
    ASSIGN_OR_RETURN(Address address, Address::Parse(single), "podIP");
    pod.addresses.push_back(std::move(address));
  }
  return {};
}

Result<Selector::Operator> ParseOperator(const std::string& text) {
  if (text == "In") return Selector::Operator::kIn;
  if (text == "NotIn") return Selector::Operator::kNotIn;
  if (text == "Exists") return Selector::Operator::kExists;
  if (text == "DoesNotExist") return Selector::Operator::kDoesNotExist;
  return Fail(Code::kInvalidArgument, "operator: '{}' is not In, NotIn, Exists or DoesNotExist",
              text);
}

// A key that nobody knows is a misspelt one: "form" for "from" would let everybody in.
Result<Selector::Requirement> ParseRequirement(const json::Value& object) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(object, {"key", "operator", "values"}));
  Selector::Requirement requirement{};
  std::string op;
  RETURN_IF_ERROR(json::ReadRequired(object, "key", requirement.key));
  RETURN_IF_ERROR(json::ReadRequired(object, "operator", op));
  ASSIGN_OR_RETURN(requirement.op, ParseOperator(op));
  RETURN_IF_ERROR(json::ReadOptional(object, "values", requirement.values));
  const bool wants_values =
      requirement.op == Selector::Operator::kIn || requirement.op == Selector::Operator::kNotIn;
  if (wants_values == requirement.values.empty()) {
    return Fail(Code::kInvalidArgument, "values: {} for operator {}",
                wants_values ? "missing" : "not allowed", op);
  }
  RETURN_IF_ERROR(CheckLabelText(requirement.key), "key");
  for (const std::string& value : requirement.values) {
    RETURN_IF_ERROR(CheckLabelText(value), "values");
  }
  std::sort(requirement.values.begin(), requirement.values.end());
  return requirement;
}

Result<Selector> ParseSelector(const json::Value& object) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(object, {"matchExpressions", "matchLabels"}));
  Selector selector;
  RETURN_IF_ERROR(json::ReadOptional(object, "matchLabels", selector.match_labels));
  RETURN_IF_ERROR(CheckLabels(selector.match_labels), "matchLabels");
  auto read = [&](const json::Value& item) -> Result<> {
    ASSIGN_OR_RETURN(auto requirement, ParseRequirement(item));
    selector.match_expressions.push_back(std::move(requirement));
    return {};
  };
  RETURN_IF_ERROR(fields::ForEachObject(object, "matchExpressions", read));
  return selector;
}

Result<std::optional<Selector>> ParseOptionalSelector(const json::Value& parent,
                                                      std::string_view key) {
  ASSIGN_OR_RETURN(const json::Value* object, fields::Object(parent, key));
  if (object == nullptr) return std::nullopt;
  ASSIGN_OR_RETURN(Selector selector, ParseSelector(*object), key);
  return selector;
}

Result<IpBlock> ParseIpBlock(const json::Value& object) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(object, {"cidr", "except"}));
  IpBlock block;
  std::string cidr;
  std::vector<std::string> except;
  RETURN_IF_ERROR(json::ReadRequired(object, "cidr", cidr));
  RETURN_IF_ERROR(json::ReadOptional(object, "except", except));
  ASSIGN_OR_RETURN(block.cidr, Range::ParseCidr(cidr), "cidr");
  for (const std::string& text : except) {
    ASSIGN_OR_RETURN(Range hole, Range::ParseCidr(text), "except");
    if (!block.cidr.Contains(hole) || hole == block.cidr) {
      return Fail(Code::kInvalidArgument, "except: {} is not a part of {}", text, cidr);
    }
    block.except.push_back(std::move(hole));
  }
  return block;
}

Result<Peer> ParsePeer(const json::Value& object) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(object, {"ipBlock", "namespaceSelector", "podSelector"}));
  Peer peer;
  ASSIGN_OR_RETURN(peer.pods, ParseOptionalSelector(object, "podSelector"));
  ASSIGN_OR_RETURN(peer.namespaces, ParseOptionalSelector(object, "namespaceSelector"));
  ASSIGN_OR_RETURN(const json::Value* block, fields::Object(object, "ipBlock"));
  if (block != nullptr) {
    ASSIGN_OR_RETURN(peer.block, ParseIpBlock(*block), "ipBlock");
  }
  if (block != nullptr && (peer.pods || peer.namespaces)) {
    return Fail(Code::kInvalidArgument, "ipBlock: not together with a selector");
  }
  if (block == nullptr && !peer.pods && !peer.namespaces) {
    return Fail(Code::kInvalidArgument, "podSelector, namespaceSelector or ipBlock: missing");
  }
  return peer;
}

Result<uint16_t> ParsePortNumber(const json::Value& value, std::string_view key) {
  if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > kMaxPort) {
    return Fail(Code::kInvalidArgument, "{}: {} is not 1 to {}", key, json::Write(value), kMaxPort);
  }
  return static_cast<uint16_t>(value.get<int64_t>());
}

// A named port excludes endPort, which needs a numeric one.
Result<> ParsePortNumbers(const json::Value& object, Port& port) {
  const json::Value number = object.value("port", json::Value());
  const json::Value end = object.value("endPort", json::Value());
  if (number.is_string()) {
    port.name = number.get<std::string>();
    RETURN_IF_ERROR(CheckPortName(port.name), "port");
  } else if (!number.is_null()) {
    ASSIGN_OR_RETURN(port.first, ParsePortNumber(number, "port"));
    port.last = port.first;
  }
  if (end.is_null()) return {};
  if (!number.is_number()) return Fail(Code::kInvalidArgument, "endPort: needs a numeric port");
  ASSIGN_OR_RETURN(port.last, ParsePortNumber(end, "endPort"));
  if (port.last < port.first) {
    return Fail(Code::kInvalidArgument, "endPort: {} is below port {}", port.last, port.first);
  }
  return {};
}

Result<Port> ParsePort(const json::Value& object) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(object, {"endPort", "port", "protocol"}));
  Port port;
  std::string protocol = "TCP";
  RETURN_IF_ERROR(json::ReadOptional(object, "protocol", protocol));
  ASSIGN_OR_RETURN(port.protocol, ParseProtocol(protocol), "protocol");
  RETURN_IF_ERROR(ParsePortNumbers(object, port));
  return port;
}

Result<PolicyRule> ParseRule(const json::Value& object, std::string_view peers_key) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(object, {peers_key, "ports"}));
  PolicyRule rule;
  auto read_peer = [&](const json::Value& item) -> Result<> {
    ASSIGN_OR_RETURN(Peer peer, ParsePeer(item));
    rule.peers.push_back(std::move(peer));
    return {};
  };
  auto read_port = [&](const json::Value& item) -> Result<> {
    ASSIGN_OR_RETURN(Port port, ParsePort(item));
    rule.ports.push_back(std::move(port));
    return {};
  };
  RETURN_IF_ERROR(fields::ForEachObject(object, peers_key, read_peer));
  RETURN_IF_ERROR(fields::ForEachObject(object, "ports", read_port));
  return rule;
}

Result<std::vector<PolicyRule>> ParseRules(const json::Value& spec, std::string_view key,
                                           std::string_view peers_key) {
  std::vector<PolicyRule> rules;
  auto read = [&](const json::Value& item) -> Result<> {
    ASSIGN_OR_RETURN(PolicyRule rule, ParseRule(item, peers_key));
    rules.push_back(std::move(rule));
    return {};
  };
  RETURN_IF_ERROR(fields::ForEachObject(spec, key, read));
  return rules;
}

// Without policyTypes a policy isolates ingress, and egress when it has an egress rule. A list
// that is given says all.
Result<> ParsePolicyTypes(const json::Value& spec, NetworkPolicy& policy) {
  std::vector<std::string> types;
  RETURN_IF_ERROR(json::ReadOptional(spec, "policyTypes", types));
  if (types.empty()) {
    policy.isolates_ingress = true;
    policy.isolates_egress = !policy.egress.empty();
  }
  for (const std::string& type : types) {
    if (type != "Ingress" && type != "Egress") {
      return Fail(Code::kInvalidArgument, "policyTypes: '{}' is not Ingress or Egress", type);
    }
    (type == "Ingress" ? policy.isolates_ingress : policy.isolates_egress) = true;
  }
  return {};
}

Result<> ParseSpec(const json::Value& spec, NetworkPolicy& policy) {
  RETURN_IF_ERROR(
      json::RejectUnknownKeys(spec, {"egress", "ingress", "podSelector", "policyTypes"}));
  ASSIGN_OR_RETURN(auto pods, ParseOptionalSelector(spec, "podSelector"));
  policy.pods = pods.value_or(Selector());
  ASSIGN_OR_RETURN(policy.ingress, ParseRules(spec, "ingress", "from"));
  ASSIGN_OR_RETURN(policy.egress, ParseRules(spec, "egress", "to"));
  return ParsePolicyTypes(spec, policy);
}

}  // namespace

Result<Protocol> ParseProtocol(std::string_view text) {
  for (const Protocol one : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
    if (text == NameOf(one)) return one;
  }
  return Fail(Code::kInvalidArgument, "'{}' is not TCP, UDP or SCTP", text);
}

Result<Pod> ParsePod(const json::Value& object) {
  Pod pod;
  ASSIGN_OR_RETURN(const json::Value* metadata, RequireObject(object, "metadata"));
  ASSIGN_OR_RETURN(pod.name, ParseName(*metadata));
  ASSIGN_OR_RETURN(pod.uid, ParseUid(*metadata), "metadata");
  RETURN_IF_ERROR(json::ReadOptional(*metadata, "labels", pod.labels), "metadata");
  ASSIGN_OR_RETURN(const json::Value* spec, fields::Object(object, "spec"));
  if (spec != nullptr) {
    RETURN_IF_ERROR(json::ReadOptional(*spec, "hostNetwork", pod.host_network), "spec");
    RETURN_IF_ERROR(ParseContainerPorts(*spec, "containers", pod), "spec");
    RETURN_IF_ERROR(ParseContainerPorts(*spec, "initContainers", pod), "spec");
  }
  ASSIGN_OR_RETURN(const json::Value* status, fields::Object(object, "status"));
  if (status != nullptr) RETURN_IF_ERROR(ParseStatus(*status, pod), "status");
  return pod;
}

Result<std::pair<std::string, Labels>> ParseNamespace(const json::Value& object) {
  std::pair<std::string, Labels> result;
  ASSIGN_OR_RETURN(const json::Value* metadata, RequireObject(object, "metadata"));
  RETURN_IF_ERROR(json::ReadRequired(*metadata, "name", result.first), "metadata");
  RETURN_IF_ERROR(json::ReadOptional(*metadata, "labels", result.second), "metadata");
  return result;
}

Result<NetworkPolicy> ParseNetworkPolicy(const json::Value& object) {
  NetworkPolicy policy;
  const json::Value version = object.value("apiVersion", json::Value());
  if (version != "networking.k8s.io/v1") {
    return Fail(Code::kInvalidArgument, "apiVersion: {} is not networking.k8s.io/v1",
                json::Write(version));
  }
  ASSIGN_OR_RETURN(const json::Value* metadata, RequireObject(object, "metadata"));
  ASSIGN_OR_RETURN(policy.name, ParseName(*metadata));
  ASSIGN_OR_RETURN(const json::Value* spec, RequireObject(object, "spec"));
  RETURN_IF_ERROR(ParseSpec(*spec, policy), "spec");
  return policy;
}

}  // namespace trivet::netpolicy
