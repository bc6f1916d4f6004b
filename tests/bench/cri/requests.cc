#include "tests/bench/cri/requests.h"

#include "tests/bench/shim/kubelet_paths.h"

namespace trivet::bench {
namespace {

namespace v1 = ::runtime::v1;

v1::NamespaceOption Namespaces() {
  v1::NamespaceOption namespaces;
  namespaces.set_network(v1::POD);
  namespaces.set_pid(v1::CONTAINER);
  namespaces.set_ipc(v1::POD);
  return namespaces;
}

void AddMount(v1::ContainerConfig& config, const std::string& host, const std::string& container) {
  auto* mount = config.add_mounts();
  mount->set_host_path(host);
  mount->set_container_path(container);
}

void SetSecurity(v1::LinuxContainerSecurityContext& security) {
  *security.mutable_namespace_options() = Namespaces();
  security.mutable_seccomp()->set_profile_type(v1::SecurityProfile::RuntimeDefault);
  security.set_no_new_privs(true);
  for (const char* path : kMasked) security.add_masked_paths(path);
  for (const char* path : kReadonly) security.add_readonly_paths(path);
}

}  // namespace

v1::PodSandboxConfig PodConfig(const Workload& workload, const std::string& name) {
  v1::PodSandboxConfig config;
  config.mutable_metadata()->set_name(name);
  config.mutable_metadata()->set_uid(name);
  config.mutable_metadata()->set_namespace_("bench");
  config.set_hostname(name);
  config.set_log_directory((workload.logs / name).native());
  config.mutable_dns_config()->add_servers("10.96.0.10");
  config.mutable_dns_config()->add_searches("default.svc.cluster.local");
  config.mutable_dns_config()->add_options("ndots:5");
  auto& labels = *config.mutable_labels();
  labels["io.kubernetes.pod.name"] = name;
  labels["io.kubernetes.pod.namespace"] = "bench";
  labels["io.kubernetes.pod.uid"] = name;
  auto* linux_config = config.mutable_linux();
  linux_config->set_cgroup_parent(workload.cgroup_parent);
  *linux_config->mutable_security_context()->mutable_namespace_options() = Namespaces();
  linux_config->mutable_security_context()->mutable_seccomp()->set_profile_type(
      v1::SecurityProfile::RuntimeDefault);
  return config;
}

v1::ContainerConfig ContainerConfig(const Workload& workload, const std::string& pod) {
  v1::ContainerConfig config;
  config.mutable_metadata()->set_name("app");
  config.mutable_image()->set_image(workload.image);
  // As a kubelet says it; CRI-O wants to know.
  config.mutable_image()->set_user_specified_image(workload.image);
  config.add_command("/app");
  config.set_log_path("app.log");
  auto* variable = config.add_envs();
  variable->set_key("KUBERNETES_SERVICE_HOST");
  variable->set_value("10.96.0.1");
  AddMount(config, (workload.logs / pod / "hosts").native(), "/etc/hosts");
  AddMount(config, (workload.logs / pod / "termination-log").native(), "/dev/termination-log");
  auto* resources = config.mutable_linux()->mutable_resources();
  if (workload.limited) {
    resources->set_cpu_shares(102);
    resources->set_memory_limit_in_bytes(int64_t{128} << 20);
  }
  resources->set_oom_score_adj(900);
  SetSecurity(*config.mutable_linux()->mutable_security_context());
  return config;
}

}  // namespace trivet::bench
