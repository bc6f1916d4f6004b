#include "cni/portmap/port_map_conf.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace trivet::cni {
namespace {

using json::ReadOptional;
using json::Value;

struct Protocol {
  std::string_view name;
  uint8_t number;
};

constexpr std::array<Protocol, 3> kProtocols{
    {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}}};

Result<> RefuseOtherBackends(const Value& root) {
  std::string backend;
  RETURN_IF_ERROR(ReadOptional(root, "backend", backend));
  if (!backend.empty() && backend != "nftables" && backend != "iptables") {
    return Fail(Code::kInvalidArgument, "backend: '{}' is neither nftables nor iptables", backend);
  }
  std::string chain;
  RETURN_IF_ERROR(ReadOptional(root, "externalSetMarkChain", chain));
  if (chain.empty()) return {};
  if (root.contains("markMasqBit") && !root["markMasqBit"].is_null()) {
    return Fail(Code::kInvalidArgument, "externalSetMarkChain: not together with markMasqBit");
  }
  return Fail(Code::kUnimplemented,
              "externalSetMarkChain: '{}' is a chain of iptables, which is not used; markMasqBit "
              "chooses the mark",
              chain);
}

// What nft takes may have spaces inside of an item.
Result<std::vector<std::string>> ReadWords(const Value& root, std::string_view key) {
  std::vector<std::string> items;
  RETURN_IF_ERROR(ReadOptional(root, key, items));
  std::vector<std::string> words;
  for (const std::string& item : items) {
    for (std::string& word : SplitWords(item)) words.push_back(std::move(word));
  }
  return words;
}

std::optional<bool> NamesSource(std::string_view word) {
  for (const char* name : {"-s", "--src", "--source", "saddr"}) {
    if (word == name) return true;
  }
  for (const char* name : {"-d", "--dst", "--destination", "daddr"}) {
    if (word == name) return false;
  }
  return std::nullopt;
}

Result<IpPrefix> ParseConditionPrefix(const std::string& text, bool v4) {
  IpPrefix prefix;
  if (text.find('/') != std::string::npos) {
    ASSIGN_OR_RETURN(prefix, IpPrefix::Parse(text));
  } else {
    ASSIGN_OR_RETURN(prefix.address, IpAddress::Parse(text));
    prefix.length = prefix.address.bits();
  }
  if (prefix.address.is_v4() != v4) {
    return Fail(Code::kInvalidArgument, "'{}' is not of IPv{}", text, v4 ? 4 : 6);
  }
  return prefix.Network();
}

// iptables' "[!] -s|-d CIDR" and nft's "ip|ip6 saddr|daddr [!=] CIDR", as many as there are.
Result<std::vector<Condition>> ReadConditions(const Value& root, std::string_view key, bool v4) {
  ASSIGN_OR_RETURN(const std::vector<std::string> words, ReadWords(root, key));
  std::vector<Condition> conditions;
  auto word = words.begin();
  const auto take = [&](std::string_view wanted) {
    if (word == words.end() || *word != wanted) return false;
    ++word;
    return true;
  };
  while (word != words.end()) {
    Condition condition{.of_source = false, .negated = take("!"), .prefix = {}};
    take(v4 ? "ip" : "ip6");
    const auto of_source = word == words.end() ? std::nullopt : NamesSource(*word);
    if (!of_source) {
      return Fail(Code::kUnimplemented,
                  "{}: '{}' is not supported: only source and destination addresses are ([\"!\", "
                  "\"-d\", \"10.0.0.0/8\"])",
                  key, word == words.end() ? words.back() : *word);
    }
    condition.of_source = *of_source;
    ++word;
    if (take("!=")) condition.negated = !condition.negated;
    if (word == words.end()) return Fail(Code::kInvalidArgument, "{}: ends without CIDR", key);
    ASSIGN_OR_RETURN(condition.prefix, ParseConditionPrefix(*word, v4), key);
    ++word;
    conditions.push_back(condition);
  }
  return conditions;
}

Result<uint16_t> ReadPort(const Value& entry, std::string_view key, int64_t lowest) {
  int64_t port = 0;
  RETURN_IF_ERROR(json::ReadRequired(entry, key, port));
  if (port < lowest || port > UINT16_MAX) {
    return Fail(Code::kInvalidArgument, "{}: {} is not from {} to 65535", key, port, lowest);
  }
  return static_cast<uint16_t>(port);
}

// IPv6's loopback has no way out of it: Linux has no route_localnet for it.
Result<std::optional<IpAddress>> ReadHostIp(const Value& entry) {
  std::string text;
  RETURN_IF_ERROR(ReadOptional(entry, "hostIP", text));
  if (text.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const IpAddress address, IpAddress::Parse(text), "hostIP");
  if (address.ToString() != "::1") return address;
  return Fail(Code::kUnimplemented,
              "hostIP: ::1 cannot be mapped: Linux routes nothing from IPv6's loopback");
}

Result<PortMapping> ParsePortMapping(const Value& entry) {
  if (!entry.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  PortMapping mapping{};
  ASSIGN_OR_RETURN(mapping.host_port, ReadPort(entry, "hostPort", 0));
  ASSIGN_OR_RETURN(mapping.container_port, ReadPort(entry, "containerPort", 1));
  std::string protocol = "tcp";
  RETURN_IF_ERROR(ReadOptional(entry, "protocol", protocol));
  ASSIGN_OR_RETURN(mapping.protocol, ParseProtocol(protocol));
  ASSIGN_OR_RETURN(mapping.host_ip, ReadHostIp(entry));
  return mapping;
}

bool Overlap(const PortMapping& a, const PortMapping& b) {
  if (a.protocol != b.protocol || a.host_port != b.host_port) return false;
  if (!a.host_ip || !b.host_ip || *a.host_ip == *b.host_ip) return true;
  if (a.host_ip->is_v4() != b.host_ip->is_v4()) return false;
  return IsUnspecified(*a.host_ip) || IsUnspecified(*b.host_ip);
}

Result<std::vector<PortMapping>> ReadMappings(const Value& root) {
  constexpr std::string_view kKey = "portMappings";
  std::vector<PortMapping> mappings;
  ASSIGN_OR_RETURN(const Value runtime, ReadObject(root, "runtimeConfig"));
  const auto list = runtime.find(kKey);
  if (list == runtime.end() || list->is_null()) return mappings;
  if (!list->is_array()) return Fail(Code::kInvalidArgument, "{}: not a list", kKey);
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string where = fmt::format("{}[{}]", kKey, i);
    ASSIGN_OR_RETURN(PortMapping mapping, ParsePortMapping((*list)[i]), where);
    if (mapping.host_port == 0) continue;  // a container's port that nobody wants on the node
    for (const PortMapping& other : mappings) {
      if (!Overlap(mapping, other)) continue;
      return Fail(Code::kInvalidArgument, "{}: host port {}/{} is in the list twice", where,
                  mapping.host_port, ProtocolName(mapping.protocol));
    }
    mappings.push_back(mapping);
  }
  return mappings;
}

}  // namespace

bool IsUnspecified(const IpAddress& address) {
  return address.WithHostBits(0, false) == address;
}

Result<uint8_t> ParseProtocol(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Protocol& protocol : kProtocols) {
    if (lower == protocol.name) return protocol.number;
  }
  return Fail(Code::kInvalidArgument, "protocol: '{}' is none of tcp, udp, sctp", text);
}

std::string_view ProtocolName(uint8_t protocol) {
  for (const Protocol& known : kProtocols) {
    if (protocol == known.number) return known.name;
  }
  return "?";
}

Result<PortMapConf> ParsePortMapConf(const NetConf& conf) {
  constexpr uint32_t kMarkBits = 32;
  const Value& root = conf.root;
  PortMapConf parsed;
  RETURN_IF_ERROR(RefuseOtherBackends(root));
  RETURN_IF_ERROR(ReadOptional(root, "snat", parsed.snat));
  RETURN_IF_ERROR(ReadOptional(root, "masqAll", parsed.masquerade_all));
  RETURN_IF_ERROR(ReadOptional(root, "markMasqBit", parsed.mark_bit));
  if (parsed.mark_bit >= kMarkBits) {
    return Fail(Code::kInvalidArgument, "markMasqBit: {} is not from 0 to 31", parsed.mark_bit);
  }
  ASSIGN_OR_RETURN(parsed.conditions_v4, ReadConditions(root, "conditionsV4", true));
  ASSIGN_OR_RETURN(parsed.conditions_v6, ReadConditions(root, "conditionsV6", false));
  ASSIGN_OR_RETURN(parsed.mappings, ReadMappings(root), "runtimeConfig");
  return parsed;
}

}  // namespace trivet::cni
