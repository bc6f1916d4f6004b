#include "netpolicy/plan/set_builder.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace trivet::netpolicy {
namespace {

constexpr size_t kNameDigestBytes = 10;

nft::Type AddressType(bool ipv6) {
  return ipv6 ? nft::Type::kIpv6Address : nft::Type::kIpv4Address;
}

std::string SelectorText(const Allowance& allowance) {
  std::string text;
  for (const auto& [canonical, selector] : allowance.selectors) text += canonical + ";";
  return text;
}

std::string BlockText(const Allowance& allowance) {
  std::string text;
  for (const Range& range : allowance.blocks) {
    text += fmt::format("{}-{};", range.first.ToString(), range.last.ToString());
  }
  return text;
}

std::string PortText(const std::vector<PortRange>& ports) {
  std::string text;
  for (const PortRange& one : ports) {
    text += fmt::format("{}:{}-{};", NameOf(one.protocol), one.first, one.last);
  }
  return text;
}

bool InBlock(const Allowance& allowance, const Address& address) {
  return std::any_of(allowance.blocks.begin(), allowance.blocks.end(),
                     [&](const Range& range) { return range.Contains(address); });
}

void AppendNamedPorts(const Allowance& allowance, const Pod& pod, const Address& address,
                      std::vector<nft::Element>& out) {
  for (const auto& [protocol, name] : allowance.named_ports) {
    for (const NamedPort& port : pod.ports) {
      if (port.name != name || port.protocol != protocol) continue;
      nft::Bytes key;
      nft::Concat(key, address.bytes);
      nft::Concat(key, ToBytes(port.protocol));
      nft::Concat(key, ToBytes(port.number));
      out.push_back({.key = std::move(key)});
    }
  }
}

std::string Family(bool ipv6) {
  return ipv6 ? "6" : "4";
}

}  // namespace

std::string ContentName(std::string_view prefix, std::string_view content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(content.data(), content.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::string name = fmt::format("{}_", prefix);
  for (size_t i = 0; i < kNameDigestBytes; ++i) name += fmt::format("{:02x}", digest[i]);
  return name;
}

nft::Bytes ToBytes(Protocol protocol) {
  return {static_cast<char>(protocol)};
}

nft::Bytes ToBytes(uint16_t port) {
  return {static_cast<char>(port >> 8), static_cast<char>(port & 0xff)};
}

std::string SetBuilder::Add(nft::Set set, std::vector<nft::Element> elements) {
  std::sort(elements.begin(), elements.end());
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  std::string name = set.name;
  ruleset_.sets.insert_or_assign(name, SetContent{std::move(set), std::move(elements)});
  return name;
}

std::vector<const Pod*> SetBuilder::PodsOf(const Allowance& allowance) const {
  std::vector<const Pod*> pods;
  for (const auto& [canonical, selector] : allowance.selectors) {
    const auto selected = index_.PodsOf(selector.policy_namespace, selector.peer);
    pods.insert(pods.end(), selected.begin(), selected.end());
  }
  return pods;
}

const std::vector<Address>& SetBuilder::AddressesOf(const Pod& pod) const {
  static const std::vector<Address> kNone;
  const auto found = addresses_.find(pod.name);
  return found == addresses_.end() ? kNone : found->second;
}

std::string SetBuilder::Peers(const Allowance& allowance, bool ipv6) {
  const std::string text = SelectorText(allowance);
  std::string name = ContentName("peers" + Family(ipv6), text);
  if (ruleset_.sets.contains(name)) return name;
  std::vector<nft::Element> elements;
  for (const Pod* pod : PodsOf(allowance)) {
    for (const Address& address : AddressesOf(*pod)) {
      if (address.is_ipv6() == ipv6) elements.push_back({.key = address.bytes});
    }
  }
  return Add({.name = std::move(name), .key = {AddressType(ipv6)}, .comment = text},
             std::move(elements));
}

std::string SetBuilder::Blocks(const Allowance& allowance, bool ipv6) {
  std::vector<nft::Element> elements;
  for (const Range& range : allowance.blocks) {
    if (range.is_ipv6() != ipv6) continue;
    elements.push_back({.key = range.first.bytes, .last = range.last.bytes});
  }
  if (elements.empty()) return {};
  return Add({.name = ContentName("blocks" + Family(ipv6), BlockText(allowance)),
              .key = {AddressType(ipv6)},
              .intervals = true},
             std::move(elements));
}

std::string SetBuilder::Services(const std::vector<PortRange>& single_ports) {
  std::vector<nft::Element> elements;
  for (const PortRange& one : single_ports) {
    nft::Bytes key;
    nft::Concat(key, ToBytes(one.protocol));
    nft::Concat(key, ToBytes(one.first));
    elements.push_back({.key = std::move(key)});
  }
  return Add({.name = ContentName("services", PortText(single_ports)),
              .key = {nft::Type::kProtocol, nft::Type::kService}},
             std::move(elements));
}

std::string SetBuilder::PortRanges(const std::vector<PortRange>& ranges) {
  std::vector<nft::Element> elements;
  for (const PortRange& one : ranges) {
    elements.push_back({.key = ToBytes(one.first), .last = ToBytes(one.last)});
  }
  return Add({.name = ContentName("ports", PortText(ranges)),
              .key = {nft::Type::kService},
              .intervals = true},
             std::move(elements));
}

std::string SetBuilder::NamedPorts(const Allowance& allowance, bool ipv6) {
  std::string text = fmt::format("{}{}|{}|", allowance.any_peer ? "any" : "",
                                 SelectorText(allowance), BlockText(allowance));
  for (const auto& [protocol, name] : allowance.named_ports) {
    text += fmt::format("{}:{};", NameOf(protocol), name);
  }
  std::string set_name = ContentName("named" + Family(ipv6), text);
  if (ruleset_.sets.contains(set_name)) return set_name;

  const auto selected = PodsOf(allowance);
  const std::set<const Pod*> peers(selected.begin(), selected.end());
  std::vector<nft::Element> elements;
  for (const Pod* pod : index_.AllPods()) {
    for (const Address& address : AddressesOf(*pod)) {
      const bool is_peer = allowance.any_peer || peers.contains(pod) || InBlock(allowance, address);
      if (is_peer && address.is_ipv6() == ipv6) {
        AppendNamedPorts(allowance, *pod, address, elements);
      }
    }
  }
  return Add({.name = std::move(set_name),
              .key = {AddressType(ipv6), nft::Type::kProtocol, nft::Type::kService}},
             std::move(elements));
}

}  // namespace trivet::netpolicy
