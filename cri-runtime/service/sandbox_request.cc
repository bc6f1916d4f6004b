#include "cri-runtime/service/sandbox_request.h"

#include <net/if.h>

#include <algorithm>
#include <limits>

#include "cri-runtime/service/field_checks.h"
#include "cri-runtime/service/id_mapping.h"
#include "cri-runtime/service/security_request.h"
#include "cri-runtime/systemd/unit_name.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;
using sandbox::NamespaceMode;

constexpr size_t kMaxHostnameBytes = 64;  // HOST_NAME_MAX, limits.h

Result<NamespaceMode> ParseMode(std::string_view field, v1::NamespaceMode mode) {
  switch (mode) {
    case v1::POD:
      return NamespaceMode::kPod;
    case v1::CONTAINER:
      return NamespaceMode::kContainer;
    case v1::NODE:
      return NamespaceMode::kNode;
    case v1::TARGET:
      return NamespaceMode::kTarget;
    default:
      return Fail(Code::kInvalidArgument, "{}: unexpected {}", field, static_cast<int>(mode));
  }
}

Result<NamespaceMode> ParseShared(std::string_view field, v1::NamespaceMode mode) {
  if (mode == v1::POD || mode == v1::NODE) return ParseMode(field, mode);
  return Fail(Code::kInvalidArgument, "{}: neither POD nor NODE", field);
}

// CNI plugins are told in CNI_ARGS, "K8S_POD_NAME=a;K8S_POD_UID=b", which has no quotes.
Result<> CheckPodName(std::string_view field, const std::string& name) {
  RETURN_IF_ERROR(CheckName(field, name));
  if (name.find_first_of(";=") == std::string::npos) return {};
  return Fail(Code::kInvalidArgument, "{}: unexpected \"{}\"", field, name);
}

Result<sandbox::Metadata> ParseMetadata(const v1::PodSandboxMetadata& metadata) {
  RETURN_IF_ERROR(CheckPodName("name", metadata.name()));
  RETURN_IF_ERROR(CheckPodName("namespace", metadata.namespace_()));
  RETURN_IF_ERROR(CheckPodName("uid", metadata.uid()));
  return sandbox::Metadata{.name = metadata.name(),
                           .uid = metadata.uid(),
                           .namespace_name = metadata.namespace_(),
                           .attempt = metadata.attempt()};
}

Result<> CheckHostname(const std::string& hostname) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  };
  if (hostname.size() <= kMaxHostnameBytes && std::ranges::all_of(hostname, plain)) return {};
  return Fail(Code::kInvalidArgument, "hostname: unexpected \"{}\"",
              hostname.substr(0, kMaxHostnameBytes));
}

// A link-local one has its interface: "fe80::1%eth0".
Result<> CheckServer(const std::string& server) {
  const size_t percent = server.find('%');
  const bool has_zone = percent != std::string::npos && server.find(':') < percent;
  if (!has_zone) return CheckAddress("servers", server);
  const std::string zone = server.substr(percent + 1);
  const auto plain = [](unsigned char c) { return std::isgraph(c) != 0 && c != '/' && c != '%'; };
  if (!zone.empty() && zone.size() < IFNAMSIZ && std::ranges::all_of(zone, plain)) {
    return CheckAddress("servers", server.substr(0, percent));
  }
  return Fail(Code::kInvalidArgument, "servers: {} has no interface behind its %",
              server.substr(0, percent));
}

Result<sandbox::Dns> ParseDns(const v1::DNSConfig& config) {
  sandbox::Dns dns;
  for (const std::string& server : config.servers()) {
    RETURN_IF_ERROR(CheckServer(server));
    dns.servers.push_back(server);
  }
  for (const std::string& search : config.searches()) {
    RETURN_IF_ERROR(CheckLine("searches", search));
    dns.searches.push_back(search);
  }
  for (const std::string& option : config.options()) {
    RETURN_IF_ERROR(CheckLine("options", option));
    dns.options.push_back(option);
  }
  return dns;
}

Result<uint16_t> ParsePort(std::string_view field, int32_t port) {
  if (port > 0 && port <= std::numeric_limits<uint16_t>::max()) return static_cast<uint16_t>(port);
  return Fail(Code::kInvalidArgument, "{}: unexpected {}", field, port);
}

Result<sandbox::PortMapping> ParsePortMapping(const v1::PortMapping& mapping) {
  sandbox::PortMapping parsed{.host_ip = mapping.host_ip()};
  if (mapping.protocol() < v1::TCP || mapping.protocol() > v1::SCTP) {
    return Fail(Code::kInvalidArgument, "protocol: unexpected {}",
                static_cast<int>(mapping.protocol()));
  }
  parsed.protocol = static_cast<sandbox::Protocol>(mapping.protocol());
  ASSIGN_OR_RETURN(parsed.container_port, ParsePort("container_port", mapping.container_port()));
  ASSIGN_OR_RETURN(parsed.host_port, ParsePort("host_port", mapping.host_port()));
  if (!parsed.host_ip.empty()) RETURN_IF_ERROR(CheckAddress("host_ip", parsed.host_ip));
  return parsed;
}

// A sandbox has no process of the pod's user: there is nothing to be set, but what is wrong is
// said.
Result<> CheckUser(const v1::LinuxSandboxSecurityContext& security) {
  if (security.has_run_as_user()) {
    RETURN_IF_ERROR(CheckUserNumber("run_as_user", security.run_as_user().value()));
  }
  if (security.has_run_as_group()) {
    RETURN_IF_ERROR(CheckUserNumber("run_as_group", security.run_as_group().value()));
    if (!security.has_run_as_user()) {
      return Fail(Code::kInvalidArgument, "run_as_group: needs run_as_user");
    }
  }
  for (const int64_t group : security.supplemental_groups()) {
    RETURN_IF_ERROR(CheckUserNumber("supplemental_groups", group));
  }
  RETURN_IF_ERROR(ParseGroupsPolicy(security.supplemental_groups_policy()));
  return {};
}

Result<> ParseLinux(const v1::LinuxPodSandboxConfig& linux_config, sandbox::Config& config) {
  config.cgroup_parent = linux_config.cgroup_parent();
  // A slice may also be given by its name alone.
  const bool is_unit =
      systemd::IsSlice(config.cgroup_parent) && config.cgroup_parent.find('/') == std::string::npos;
  if (!config.cgroup_parent.empty() && !is_unit) {
    RETURN_IF_ERROR(CheckAbsolutePath("cgroup_parent", config.cgroup_parent));
    while (config.cgroup_parent.ends_with('/')) config.cgroup_parent.pop_back();
  }
  const auto& security = linux_config.security_context();
  ASSIGN_OR_RETURN(config.namespaces, ParseNamespaces(security.namespace_options()));
  config.privileged = security.privileged();
  config.selinux = ParseSelinux(security.selinux_options());
  RETURN_IF_ERROR(CheckUser(security), "security_context");
  for (const auto& [name, value] : linux_config.sysctls()) {
    RETURN_IF_ERROR(CheckSysctl(name, value, config.namespaces), "sysctls");
    config.sysctls[name] = value;
  }
  return {};
}

}  // namespace

Result<sandbox::Namespaces> ParseNamespaces(const v1::NamespaceOption& options) {
  sandbox::Namespaces namespaces{.pid_target = options.target_id()};
  ASSIGN_OR_RETURN(namespaces.network, ParseShared("network", options.network()));
  ASSIGN_OR_RETURN(namespaces.ipc, ParseShared("ipc", options.ipc()));
  ASSIGN_OR_RETURN(namespaces.pid, ParseMode("pid", options.pid()));
  ASSIGN_OR_RETURN(namespaces.user, ParseUserNamespace(options), "userns_options");
  return namespaces;
}

Result<> CheckSysctl(const std::string& name, const std::string& value,
                     const sandbox::Namespaces& namespaces) {
  // A slash stands for a dot within a part: "net.ipv4.conf.eth0/7.forwarding" of the VLAN eth0.7.
  const auto plain = [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_' || c == '-' || c == '.' ||
           c == '/';
  };
  const auto has_pair = [&](std::string_view pair) { return name.find(pair) != std::string::npos; };
  const bool form = !name.empty() && std::ranges::all_of(name, plain) && !has_pair("..") &&
                    !has_pair("//") && !has_pair("./") && !has_pair("/.") &&
                    !name.starts_with('.') && !name.starts_with('/');
  if (!form) return Fail(Code::kInvalidArgument, "unexpected name \"{}\"", name.substr(0, 253));
  RETURN_IF_ERROR(CheckLine(name, value));
  const bool of_network = name.starts_with("net.");
  const bool of_ipc = name.starts_with("kernel.shm") || name.starts_with("kernel.msg") ||
                      name == "kernel.sem" || name.starts_with("fs.mqueue.");
  if (of_network && namespaces.network != NamespaceMode::kNode) return {};
  if (of_ipc && namespaces.ipc != NamespaceMode::kNode) return {};
  return Fail(Code::kInvalidArgument, "{}: is not of a namespace of the pod's own", name);
}

Result<sandbox::Config> ParseSandbox(const v1::RunPodSandboxRequest& request) {
  const v1::PodSandboxConfig& from = request.config();
  sandbox::Config config{.hostname = from.hostname(), .log_directory = from.log_directory()};
  config.runtime_handler = request.runtime_handler();
  ASSIGN_OR_RETURN(config.metadata, ParseMetadata(from.metadata()), "metadata");
  RETURN_IF_ERROR(CheckHostname(config.hostname));
  if (!config.log_directory.empty()) {
    RETURN_IF_ERROR(CheckAbsolutePath("log_directory", config.log_directory));
  }
  ASSIGN_OR_RETURN(config.dns, ParseDns(from.dns_config()), "dns_config");
  for (const v1::PortMapping& mapping : from.port_mappings()) {
    if (mapping.host_port() == 0) continue;
    ASSIGN_OR_RETURN(config.port_mappings.emplace_back(), ParsePortMapping(mapping),
                     "port_mappings");
  }
  config.labels.insert(from.labels().begin(), from.labels().end());
  config.annotations.insert(from.annotations().begin(), from.annotations().end());
  RETURN_IF_ERROR(ParseLinux(from.linux(), config), "linux");
  return config;
}

}  // namespace trivet::cri
