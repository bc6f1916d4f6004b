#include "cni/portmap/host_port_maps.h"

#include <arpa/inet.h>
#include <netinet/in.h>
// After glibc's headers, which the kernel's give way to.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>

namespace trivet::cni {
namespace {

constexpr size_t kFieldBytes = 4;  // of a protocol or a port in a key

nft::Bytes PortBytes(uint16_t port) {
  const uint16_t network = htons(port);
  nft::Bytes bytes(sizeof network, '\0');
  std::memcpy(bytes.data(), &network, sizeof network);
  return bytes;
}

uint16_t ReadPortAt(const nft::Bytes& bytes, size_t at) {
  uint16_t network = 0;
  std::memcpy(&network, bytes.data() + at, sizeof network);
  return ntohs(network);
}

Result<IpAddress> ReadAddress(const nft::Bytes& bytes, const PacketFamily& family) {
  return IpAddress::FromBytes(
      std::as_bytes(std::span(bytes.data(), bytes.size()).first(family.address_bytes)));
}

std::vector<nft::Type> KeyFields(const PacketFamily& family, bool bound) {
  std::vector<nft::Type> fields;
  if (bound) fields.push_back(family.type);
  fields.push_back(nft::Type::kProtocol);
  fields.push_back(nft::Type::kService);
  return fields;
}

std::string MapName(const char* kind, const PacketFamily& family, bool bound) {
  return fmt::format("{}{}{}", bound ? "bound_" : "", kind, family.suffix);
}

}  // namespace

nft::Table HostPortsTable() {
  return {.family = NFPROTO_INET, .name = "trivet_host_ports"};
}

nft::Set PortMap(const PacketFamily& family, bool bound) {
  return {.name = MapName("ports", family, bound),
          .key = KeyFields(family, bound),
          .value = {family.type, nft::Type::kService}};
}

nft::Set PolicyMap(const PacketFamily& family, bool bound) {
  return {.name = MapName("policies", family, bound),
          .key = KeyFields(family, bound),
          .verdicts = true};
}

std::vector<nft::Set> AllMaps() {
  std::vector<nft::Set> maps;
  for (const PacketFamily& family : PacketFamilies()) {
    for (const bool bound : {false, true}) {
      maps.push_back(PortMap(family, bound));
      maps.push_back(PolicyMap(family, bound));
    }
  }
  return maps;
}

nft::Bytes KeyOf(const HostPort& port) {
  nft::Bytes key;
  if (port.host_ip) nft::Concat(key, BytesOf(*port.host_ip));
  nft::Concat(key, nft::Bytes(1, static_cast<char>(port.protocol)));
  nft::Concat(key, PortBytes(port.port));
  return key;
}

nft::Element PortElement(const HostPort& port, const std::string& owner) {
  nft::Element element{.key = KeyOf(port), .last = {}, .verdict = {}, .comment = owner};
  nft::Concat(element.value, BytesOf(port.container));
  nft::Concat(element.value, PortBytes(port.container_port));
  return element;
}

nft::Element PolicyElement(const HostPort& port, const std::string& chain,
                           const std::string& owner) {
  return {.key = KeyOf(port),
          .last = {},
          .verdict = nft::Verdict{.code = NFT_JUMP, .chain = chain},
          .comment = owner};
}

Result<HostPort> ParsePortElement(const PacketFamily& family, bool bound,
                                  const nft::Element& element) {
  const size_t address = bound ? family.address_bytes : 0;
  if (element.key.size() != address + 2 * kFieldBytes ||
      element.value.size() != family.address_bytes + kFieldBytes) {
    return Fail(Code::kInvalidArgument, "map {}: an element of another size",
                PortMap(family, bound).name);
  }
  HostPort port;
  if (bound) {
    ASSIGN_OR_RETURN(port.host_ip, ReadAddress(element.key, family));
  }
  port.protocol = static_cast<uint8_t>(element.key[address]);
  port.port = ReadPortAt(element.key, address + kFieldBytes);
  ASSIGN_OR_RETURN(port.container, ReadAddress(element.value, family));
  port.container_port = ReadPortAt(element.value, family.address_bytes);
  return port;
}

nft::Set LocalnetSet() {
  return {.name = "localnet", .key = {nft::Type::kInterfaceName}};
}

nft::Element LocalnetElement(const std::string& interface) {
  return {.key = nft::InterfaceKey(interface), .last = {}, .verdict = {}};
}

}  // namespace trivet::cni
