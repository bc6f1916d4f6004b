#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/linux/selinux_label.h"
#include "proto/trivet/shim.h"

namespace trivet::shim {
constexpr std::array<std::string_view, 4> Names(NamespaceMode /*e*/) {
  return {"node", "pod", "container", "target"};
}
}  // namespace trivet::shim

/// What the kubelet asks of a pod sandbox, validated. No protobuf here.
namespace trivet::sandbox {

using shim::NamespaceMode;

/// The identity that a retry repeats.
struct Metadata {
  std::string name;
  std::string uid;
  std::string namespace_name;
  uint32_t attempt = 0;
  bool operator==(const Metadata&) const = default;
};

struct Dns {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;
};

enum class Protocol : uint8_t { kTcp, kUdp, kSctp };
constexpr std::array<std::string_view, 3> Names(Protocol /*e*/) {
  return {"tcp", "udp", "sctp"};
}

struct PortMapping {
  Protocol protocol = Protocol::kTcp;
  uint16_t container_port = 0;
  uint16_t host_port = 0;  // never 0: a mapping without one maps nothing
  std::string host_ip;
};

/// Ids 0 to length - 1 of a user namespace are host_id to host_id + length - 1 of the node.
struct IdRange {
  uint32_t host_id = 0;
  uint32_t length = 0;
  bool operator==(const IdRange&) const = default;
};

struct UserNamespace {
  IdRange uids;
  IdRange gids;
  bool operator==(const UserNamespace&) const = default;
};

struct Namespaces {
  NamespaceMode network = NamespaceMode::kPod;
  NamespaceMode ipc = NamespaceMode::kPod;
  NamespaceMode pid = NamespaceMode::kPod;
  std::string pid_target;
  std::optional<UserNamespace> user;  // absent: the node's
};

struct Config {
  Metadata metadata;
  std::string hostname;
  std::string log_directory;  // absolute, or empty
  Dns dns;
  std::vector<PortMapping> port_mappings;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::string cgroup_parent;  // absolute, or empty
  Namespaces namespaces;
  std::map<std::string, std::string> sysctls;
  bool privileged = false;
  std::string runtime_handler;
  selinux::Label selinux;  // what the request names of it
};

template <class Codec>
void Fields(Codec& c, Metadata& m) {
  c("name", m.name), c("uid", m.uid), c("namespace", m.namespace_name), c("attempt", m.attempt);
}
template <class Codec>
void Fields(Codec& c, Dns& m) {
  c("servers", m.servers), c("searches", m.searches), c("options", m.options);
}
template <class Codec>
void Fields(Codec& c, PortMapping& m) {
  c("protocol", m.protocol), c("container_port", m.container_port);
  c("host_port", m.host_port), c("host_ip", m.host_ip);
}
template <class Codec>
void Fields(Codec& c, IdRange& m) {
  c("host_id", m.host_id), c("length", m.length);
}
template <class Codec>
void Fields(Codec& c, UserNamespace& m) {
  c("uids", m.uids), c("gids", m.gids);
}
template <class Codec>
void Fields(Codec& c, Namespaces& m) {
  c("network", m.network), c("ipc", m.ipc), c("pid", m.pid), c("pid_target", m.pid_target);
  c("user", m.user);
}
template <class Codec>
void Fields(Codec& c, Config& m) {
  c("metadata", m.metadata), c("hostname", m.hostname), c("log_directory", m.log_directory);
  c("dns", m.dns), c("port_mappings", m.port_mappings), c("labels", m.labels);
  c("annotations", m.annotations), c("cgroup_parent", m.cgroup_parent);
  c("namespaces", m.namespaces), c("sysctls", m.sysctls), c("privileged", m.privileged);
  c("runtime_handler", m.runtime_handler), c("selinux", m.selinux);
}

}  // namespace trivet::sandbox
