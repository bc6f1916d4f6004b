#include "ctl/node/container_config.h"

#include <array>

#include "ctl/node/labels.h"
#include "ctl/node/resources.h"
#include "ctl/node/sandbox_config.h"

namespace trivet::ctl {
namespace {

namespace cri = ::runtime::v1;

// Source: k8s.io/kubernetes/pkg/securitycontext/util.go (procMount Default).
constexpr std::array kMaskedPaths = {
    "/proc/asound",     "/proc/acpi",        "/proc/interrupts",
    "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
constexpr std::array kReadonlyPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                       "/proc/sysrq-trigger"};

void AddProcess(const Pod& pod, const Container& container, const ContainerPlace& place,
                cri::ContainerConfig& config) {
  const auto environment = MakeEnvironment(pod, container, place.pod);
  const std::map<std::string, std::string> known(environment.begin(), environment.end());
  for (const std::string& word : container.command) config.add_command(Expand(word, known));
  for (const std::string& word : container.args) config.add_args(Expand(word, known));
  for (const auto& [name, value] : environment) {
    cri::KeyValue& variable = *config.add_envs();
    variable.set_key(name);
    variable.set_value(value);
  }
  config.set_working_dir(container.working_dir);
  config.set_stdin(container.stdin_open);
  config.set_stdin_once(container.stdin_once);
  config.set_tty(container.tty);
}

cri::MountPropagation Propagation(const std::string& name) {
  if (name == "Bidirectional") return cri::PROPAGATION_BIDIRECTIONAL;
  if (name == "HostToContainer") return cri::PROPAGATION_HOST_TO_CONTAINER;
  return cri::PROPAGATION_PRIVATE;
}

cri::Mount MakeMount(const VolumeMount& wanted, const MountedVolume& volume) {
  cri::Mount mount;
  const std::filesystem::path target = wanted.mount_path;
  mount.set_container_path((target.is_absolute() ? target : "/" / target).native());
  mount.set_host_path(volume.host_path.native());
  mount.set_readonly(wanted.read_only || volume.read_only);
  mount.set_propagation(Propagation(wanted.propagation));
  mount.set_selinux_relabel(volume.relabel);
  return mount;
}

void AddFile(const std::filesystem::path& file, const std::string& target,
             cri::ContainerConfig& config) {
  for (const cri::Mount& mount : config.mounts()) {
    if (mount.container_path() == target) return;  // the pod brings its own
  }
  cri::Mount& mount = *config.add_mounts();
  mount.set_container_path(target);
  mount.set_host_path(file.native());
  mount.set_selinux_relabel(true);
}

void AddMounts(const Container& container, const ContainerPlace& place,
               cri::ContainerConfig& config) {
  for (size_t i = 0; i < container.mounts.size(); ++i) {
    MountedVolume volume = place.volumes.at(container.mounts[i].name);
    if (place.sub_paths.contains(i)) volume.host_path = place.sub_paths.at(i);
    *config.add_mounts() = MakeMount(container.mounts[i], volume);
  }
  if (!place.hosts_file.empty()) AddFile(place.hosts_file, "/etc/hosts", config);
  if (!place.termination_log.empty()) {
    AddFile(place.termination_log, container.termination_message_path, config);
  }
  for (const VolumeDevice& wanted : container.devices) {
    cri::Device& device = *config.add_devices();
    device.set_container_path(wanted.device_path);
    device.set_host_path(place.volumes.at(wanted.name).host_path.native());
    device.set_permissions(place.volumes.at(wanted.name).read_only ? "r" : "mrw");
  }
}

void AddIdentity(const Pod& pod, const Container& container,
                 cri::LinuxContainerSecurityContext& out) {
  const SecurityContext& own = container.security;
  const auto user = own.run_as_user ? own.run_as_user : pod.security.run_as_user;
  const auto group = own.run_as_group ? own.run_as_group : pod.security.run_as_group;
  if (user) out.mutable_run_as_user()->set_value(*user);
  if (group) out.mutable_run_as_group()->set_value(*group);
  if (pod.security.fs_group) out.add_supplemental_groups(*pod.security.fs_group);
  for (const int64_t extra : pod.security.supplemental_groups) out.add_supplemental_groups(extra);
}

cri::LinuxContainerSecurityContext MakeSecurity(const Pod& pod, const Container& container,
                                                const NodeFacts& facts) {
  const SecurityContext& own = container.security;
  cri::LinuxContainerSecurityContext out;
  AddIdentity(pod, container, out);
  out.set_privileged(own.privileged);
  out.set_readonly_rootfs(own.read_only_root_filesystem);
  out.set_no_new_privs(!own.allow_privilege_escalation.value_or(true));
  auto& capabilities = *out.mutable_capabilities();
  capabilities.mutable_add_capabilities()->Add(own.add_capabilities.begin(),
                                               own.add_capabilities.end());
  capabilities.mutable_drop_capabilities()->Add(own.drop_capabilities.begin(),
                                                own.drop_capabilities.end());
  *out.mutable_namespace_options() = MakeNamespaceOptions(pod);
  *out.mutable_seccomp() =
      MakeSeccompProfile(own.seccomp ? own.seccomp : pod.security.seccomp, facts.seccomp_default);
  // A container's own replace all of the pod's.
  if (const auto& selinux = own.selinux ? own.selinux : pod.security.selinux) {
    *out.mutable_selinux_options() = MakeSelinuxOption(*selinux);
  }
  if (own.proc_mount != "Unmasked") {
    for (const char* path : kMaskedPaths) out.add_masked_paths(path);
    for (const char* path : kReadonlyPaths) out.add_readonly_paths(path);
  }
  return out;
}

}  // namespace

std::string LogPath(const Container& container, uint32_t attempt) {
  return fmt::format("{}/{}.log", container.name, attempt);
}

cri::ContainerConfig MakeContainerConfig(const Pod& pod, const Container& container,
                                         const ContainerPlace& place, const NodeFacts& facts) {
  cri::ContainerConfig config;
  config.mutable_metadata()->set_name(container.name);
  config.mutable_metadata()->set_attempt(place.attempt);
  config.mutable_image()->set_image(place.image_id);
  config.mutable_image()->set_user_specified_image(container.image);
  AddProcess(pod, container, place, config);
  AddMounts(container, place, config);

  auto& labels = *config.mutable_labels();
  labels[label::kPodName] = pod.metadata.name;
  labels[label::kPodNamespace] = pod.metadata.name_space;
  labels[label::kPodUid] = place.pod.uid;
  labels[label::kContainerName] = container.name;
  auto& annotations = *config.mutable_annotations();
  annotations["io.kubernetes.container.restartCount"] = std::to_string(place.attempt);
  annotations["io.kubernetes.container.terminationMessagePath"] =
      container.termination_message_path;
  config.set_log_path(LogPath(container, place.attempt));
  *config.mutable_linux()->mutable_resources() = ContainerResources(pod, container, facts);
  *config.mutable_linux()->mutable_security_context() = MakeSecurity(pod, container, facts);
  return config;
}

Result<> CheckNonRoot(const Pod& pod, const Container& container, const cri::Image& image) {
  const SecurityContext& own = container.security;
  const bool wanted = own.run_as_non_root.value_or(pod.security.run_as_non_root.value_or(false));
  if (!wanted) return {};
  const auto user = own.run_as_user ? own.run_as_user : pod.security.run_as_user;
  const bool named = !user && !image.username().empty();
  if (named) {
    return Fail(Code::kFailedPrecondition,
                "container {}: runAsNonRoot: image {} runs as user name \"{}\", which may be root: "
                "set runAsUser",
                container.name, container.image, image.username());
  }
  if (user.value_or(image.uid().value()) != 0) return {};
  return Fail(Code::kFailedPrecondition, "container {}: runAsNonRoot: it would run as root{}",
              container.name, user ? "" : ": set runAsUser");
}

}  // namespace trivet::ctl
