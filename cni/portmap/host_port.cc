#include "cni/portmap/host_port.h"

namespace trivet::cni {
namespace {

bool IsOnOtherInterface(const AddResult& result, const IpConfig& ip, const std::string& ifname) {
  if (!ip.interface) return false;
  const Interface& interface = result.interfaces[*ip.interface];
  return interface.name != ifname || interface.sandbox.empty();
}

Result<HostPort> ParseHostPort(const json::Value& value) {
  HostPort port;
  std::string protocol;
  std::string host_ip;
  std::string container;
  RETURN_IF_ERROR(json::ReadRequired(value, "protocol", protocol));
  ASSIGN_OR_RETURN(port.protocol, ParseProtocol(protocol));
  RETURN_IF_ERROR(json::ReadRequired(value, "hostPort", port.port));
  RETURN_IF_ERROR(json::ReadOptional(value, "hostIP", host_ip));
  if (!host_ip.empty()) {
    ASSIGN_OR_RETURN(port.host_ip, IpAddress::Parse(host_ip), "hostIP");
  }
  RETURN_IF_ERROR(json::ReadRequired(value, "address", container));
  ASSIGN_OR_RETURN(port.container, IpAddress::Parse(container), "address");
  RETURN_IF_ERROR(json::ReadRequired(value, "containerPort", port.container_port));
  return port;
}

}  // namespace

ContainerAddresses FindContainerAddresses(const AddResult& previous, const std::string& ifname) {
  ContainerAddresses found;
  for (const IpConfig& ip : previous.ips) {
    auto& family = ip.address.address.is_v4() ? found.v4 : found.v6;
    if (!family && !IsOnOtherInterface(previous, ip, ifname)) family = ip.address;
  }
  return found;
}

Result<std::vector<HostPort>> PlanHostPorts(const std::vector<PortMapping>& mappings,
                                            const ContainerAddresses& container) {
  std::vector<HostPort> ports;
  for (const PortMapping& mapping : mappings) {
    const size_t before = ports.size();
    auto host_ip = mapping.host_ip;
    if (host_ip && IsUnspecified(*host_ip)) host_ip.reset();
    for (const auto& address : {container.v4, container.v6}) {
      if (!address) continue;
      if (mapping.host_ip && mapping.host_ip->is_v4() != address->address.is_v4()) continue;
      ports.push_back({.protocol = mapping.protocol,
                       .port = mapping.host_port,
                       .host_ip = host_ip,
                       .container = address->address,
                       .container_port = mapping.container_port});
    }
    if (ports.size() > before) continue;
    return Fail(Code::kInvalidArgument,
                "portMappings: host port {}/{}: the container has no address of its family",
                mapping.host_port, ProtocolName(mapping.protocol));
  }
  return ports;
}

std::string Describe(const HostPort& port) {
  const std::string text = fmt::format("{}/{}", port.port, ProtocolName(port.protocol));
  return port.host_ip ? fmt::format("{} of {}", text, port.host_ip->ToString()) : text;
}

json::Value ToJson(const std::vector<HostPort>& ports) {
  json::Value list = json::Value::array();
  for (const HostPort& port : ports) {
    list.push_back({{"protocol", ProtocolName(port.protocol)},
                    {"hostPort", port.port},
                    {"address", port.container.ToString()},
                    {"containerPort", port.container_port}});
    if (port.host_ip) list.back()["hostIP"] = port.host_ip->ToString();
  }
  return list;
}

Result<std::vector<HostPort>> ParseHostPorts(const json::Value& value) {
  if (!value.is_array()) return Fail(Code::kInvalidArgument, "ports: not a list");
  std::vector<HostPort> ports;
  for (const json::Value& entry : value) {
    ASSIGN_OR_RETURN(HostPort port, ParseHostPort(entry), "ports");
    ports.push_back(std::move(port));
  }
  return ports;
}

}  // namespace trivet::cni
