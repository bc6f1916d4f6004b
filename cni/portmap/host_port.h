#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cni/add_result.h"
#include "cni/portmap/port_map_conf.h"

namespace trivet::cni {

/// One port of the node, of one family, and where it leads.
struct HostPort {
  uint8_t protocol = 0;
  uint16_t port = 0;
  std::optional<IpAddress> host_ip;  // of the container's family; absent: every address of the node
  IpAddress container;
  uint16_t container_port = 0;
};

/// A container's first address of each family.
struct ContainerAddresses {
  std::optional<IpPrefix> v4;
  std::optional<IpPrefix> v6;
};

/// Among those on the container's interface `ifname`; an address that says of no interface counts,
/// as results of before 0.3.0 know none.
ContainerAddresses FindContainerAddresses(const AddResult& previous, const std::string& ifname);

/// Each mapping for each family that it is of and the container has.
/// Errors: kInvalidArgument for a mapping that is of none.
Result<std::vector<HostPort>> PlanHostPorts(const std::vector<PortMapping>& mappings,
                                            const ContainerAddresses& container);

/// "8080/tcp", "8080/tcp of 192.0.2.1".
std::string Describe(const HostPort& port);

/// For the record. Errors: kInvalidArgument.
json::Value ToJson(const std::vector<HostPort>& ports);
Result<std::vector<HostPort>> ParseHostPorts(const json::Value& value);

}  // namespace trivet::cni
