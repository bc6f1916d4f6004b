#include "ctl/node/sandbox_config.h"

#include <algorithm>

#include "ctl/node/labels.h"
#include "ctl/node/resources.h"

namespace trivet::ctl {
namespace {

namespace cri = ::runtime::v1;

constexpr size_t kMaxHostName = 63;

void AddPorts(const Pod& pod, cri::PodSandboxConfig& config) {
  for (const Container& container : pod.containers) {
    for (const ContainerPort& port : container.ports) {
      cri::PortMapping& mapping = *config.add_port_mappings();
      cri::Protocol protocol = cri::TCP;
      cri::Protocol_Parse(port.protocol, &protocol);
      mapping.set_protocol(protocol);
      mapping.set_container_port(port.container_port);
      mapping.set_host_port(port.host_port);
      mapping.set_host_ip(port.host_ip);
    }
  }
}

void Append(const DnsConfig& from, cri::DNSConfig& dns) {
  dns.mutable_servers()->Add(from.servers.begin(), from.servers.end());
  dns.mutable_searches()->Add(from.searches.begin(), from.searches.end());
  dns.mutable_options()->Add(from.options.begin(), from.options.end());
}

// Without a cluster's resolver ClusterFirst means the node's own, as in the kubelet.
cri::DNSConfig MakeDns(const Pod& pod, const NodeFacts& facts) {
  cri::DNSConfig dns;
  if (pod.dns_policy != "None") Append(facts.dns, dns);
  Append(pod.dns_config, dns);
  return dns;
}

bool AnyPrivileged(const Pod& pod) {
  const auto privileged = [](const Container& c) { return c.security.privileged; };
  return std::ranges::any_of(pod.containers, privileged) ||
         std::ranges::any_of(pod.init_containers, privileged);
}

cri::LinuxSandboxSecurityContext MakeSecurity(const Pod& pod) {
  cri::LinuxSandboxSecurityContext security;
  *security.mutable_namespace_options() = MakeNamespaceOptions(pod);
  security.set_privileged(AnyPrivileged(pod));
  if (pod.security.run_as_user) {
    security.mutable_run_as_user()->set_value(*pod.security.run_as_user);
  }
  if (pod.security.run_as_group) {
    security.mutable_run_as_group()->set_value(*pod.security.run_as_group);
  }
  if (pod.security.fs_group) security.add_supplemental_groups(*pod.security.fs_group);
  for (const int64_t group : pod.security.supplemental_groups) {
    security.add_supplemental_groups(group);
  }
  if (pod.security.selinux) {
    *security.mutable_selinux_options() = MakeSelinuxOption(*pod.security.selinux);
  }
  // The sandbox's own process never needs more, whatever its containers ask for.
  security.mutable_seccomp()->set_profile_type(cri::SecurityProfile::RuntimeDefault);
  return security;
}

cri::LinuxPodSandboxConfig MakeLinux(const Pod& pod, const std::string& uid,
                                     const NodeFacts& facts) {
  cri::LinuxPodSandboxConfig out;
  if (!facts.cgroup_parent.empty()) out.set_cgroup_parent(facts.cgroup_parent + "/pod" + uid);
  *out.mutable_security_context() = MakeSecurity(pod);
  for (const auto& [name, value] : pod.security.sysctls) (*out.mutable_sysctls())[name] = value;
  *out.mutable_resources() = PodResources(pod);
  return out;
}

}  // namespace

std::string HostName(const Pod& pod) {
  std::string name = pod.hostname.empty() ? pod.metadata.name : pod.hostname;
  if (name.size() > kMaxHostName) name.resize(kMaxHostName);
  while (name.ends_with('-') || name.ends_with('.')) name.pop_back();
  return name;
}

cri::NamespaceOption MakeNamespaceOptions(const Pod& pod) {
  cri::NamespaceOption options;
  options.set_network(pod.host_network ? cri::NODE : cri::POD);
  options.set_ipc(pod.host_ipc ? cri::NODE : cri::POD);
  options.set_pid(pod.host_pid                  ? cri::NODE
                  : pod.share_process_namespace ? cri::POD
                                                : cri::CONTAINER);
  return options;
}

cri::SELinuxOption MakeSelinuxOption(const SelinuxOptions& from) {
  cri::SELinuxOption out;
  out.set_user(from.user);
  out.set_role(from.role);
  out.set_type(from.type);
  out.set_level(from.level);
  return out;
}

cri::SecurityProfile MakeSeccompProfile(const std::optional<SeccompProfile>& wanted,
                                        bool default_on) {
  cri::SecurityProfile profile;
  const std::string type = wanted ? wanted->type : default_on ? "RuntimeDefault" : "Unconfined";
  cri::SecurityProfile::ProfileType value = cri::SecurityProfile::RuntimeDefault;
  cri::SecurityProfile::ProfileType_Parse(type, &value);
  profile.set_profile_type(value);
  if (wanted) profile.set_localhost_ref(wanted->localhost_profile);
  return profile;
}

cri::PodSandboxConfig MakeSandboxConfig(const Pod& pod, const std::string& uid, uint32_t attempt,
                                        const std::filesystem::path& log_directory,
                                        const NodeFacts& facts) {
  cri::PodSandboxConfig config;
  config.mutable_metadata()->set_name(pod.metadata.name);
  config.mutable_metadata()->set_namespace_(pod.metadata.name_space);
  config.mutable_metadata()->set_uid(uid);
  config.mutable_metadata()->set_attempt(attempt);
  if (!pod.host_network) config.set_hostname(HostName(pod));
  config.set_log_directory(log_directory.native());
  *config.mutable_dns_config() = MakeDns(pod, facts);
  AddPorts(pod, config);

  auto& labels = *config.mutable_labels();
  labels.insert(pod.metadata.labels.begin(), pod.metadata.labels.end());
  labels[label::kPodName] = pod.metadata.name;
  labels[label::kPodNamespace] = pod.metadata.name_space;
  labels[label::kPodUid] = uid;
  auto& annotations = *config.mutable_annotations();
  annotations.insert(pod.metadata.annotations.begin(), pod.metadata.annotations.end());
  annotations["kubernetes.io/config.source"] = "file";
  *config.mutable_linux() = MakeLinux(pod, uid, facts);
  return config;
}

}  // namespace trivet::ctl
