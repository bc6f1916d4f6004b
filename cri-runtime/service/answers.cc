#include "cri-runtime/service/answers.h"

#include <algorithm>

#include "cri-runtime/service/id_mapping.h"
#include "cri-runtime/service/resources_message.h"
#include "cri-runtime/service/signals.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;
using sandbox::NamespaceMode;

v1::NamespaceMode ModeOf(NamespaceMode mode) {
  switch (mode) {
    case NamespaceMode::kNode:
      return v1::NODE;
    case NamespaceMode::kPod:
      return v1::POD;
    case NamespaceMode::kContainer:
      return v1::CONTAINER;
    case NamespaceMode::kTarget:
      return v1::TARGET;
  }
  return v1::POD;
}

void FillNamespaces(const sandbox::Namespaces& from, v1::NamespaceOption& to) {
  to.set_network(ModeOf(from.network));
  to.set_ipc(ModeOf(from.ipc));
  to.set_pid(ModeOf(from.pid));
  to.set_target_id(from.pid_target);
  v1::UserNamespace& user = *to.mutable_userns_options();
  user.set_mode(from.user ? v1::POD : v1::NODE);
  if (!from.user) return;
  FillIdMapping(from.user->uids, *user.mutable_uids());
  FillIdMapping(from.user->gids, *user.mutable_gids());
}

v1::PodSandboxState StateOf(const state::Sandbox& sandbox) {
  return sandbox.state.phase == sandbox::Phase::kReady ? v1::SANDBOX_READY : v1::SANDBOX_NOTREADY;
}

v1::ContainerState StateOf(const state::Container& container) {
  switch (container.state.phase) {
    case container::Phase::kCreating:
    case container::Phase::kCreated:
      return v1::CONTAINER_CREATED;
    case container::Phase::kRunning:
      return v1::CONTAINER_RUNNING;
    case container::Phase::kExited:
      return v1::CONTAINER_EXITED;
  }
  return v1::CONTAINER_UNKNOWN;
}

// The kubelet shows it as the reason of the state "terminated".
std::string ReasonOf(const container::State& state) {
  if (state.phase != container::Phase::kExited) return "";
  if (!state.message.empty()) return "StartError";
  if (state.oom_killed) return "OOMKilled";
  return state.exit_code == 0 ? "Completed" : "Error";
}

void FillMetadata(const sandbox::Metadata& from, v1::PodSandboxMetadata& to) {
  to.set_name(from.name);
  to.set_uid(from.uid);
  to.set_namespace_(from.namespace_name);
  to.set_attempt(from.attempt);
}

void FillImage(const container::Record& from, v1::ImageSpec& to) {
  to.set_image(from.config.image);
  to.set_user_specified_image(from.config.user_specified_image);
}

void FillMount(const container::Mount& from, const std::string& image_id, v1::Mount& to) {
  to.set_container_path(from.container_path);
  to.set_host_path(from.host_path);
  to.set_readonly(from.readonly);
  to.set_recursive_read_only(from.recursive_read_only);
  to.set_propagation(static_cast<v1::MountPropagation>(from.propagation));
  for (const std::string& option : from.options) to.add_mount_options(option);
  if (from.id_mapping) {
    FillIdMapping(from.id_mapping->uids, *to.mutable_uidmappings());
    FillIdMapping(from.id_mapping->gids, *to.mutable_gidmappings());
  }
  if (from.image.empty()) return;
  to.mutable_image()->set_image(from.image);
  to.mutable_image()->set_image_ref(image_id);
  to.set_image_sub_path(from.image_sub_path);
}

void FillUser(const container::User& from, v1::LinuxContainerUser& to) {
  to.set_uid(from.uid);
  to.set_gid(from.gid);
  for (const uint32_t gid : from.additional_gids) to.add_supplemental_groups(gid);
}

// Those of the request: what a CDI device adds is the device's.
void FillMounts(const container::Record& from, v1::ContainerStatus& to) {
  auto image_id = from.volume_images.begin();
  for (const container::Mount& mount : from.config.mounts) {
    if (mount.injected) continue;
    FillMount(mount, mount.image.empty() ? "" : *image_id++, *to.add_mounts());
  }
}

}  // namespace

void FillSandbox(const state::Sandbox& from, v1::PodSandbox& to) {
  to.set_id(from.record->id);
  FillMetadata(from.record->config.metadata, *to.mutable_metadata());
  to.set_state(StateOf(from));
  to.set_created_at(from.record->created_at_ns);
  FillLabels(from.record->config, to);
  to.set_runtime_handler(from.record->config.runtime_handler);
}

void FillSandboxStatus(const state::Sandbox& from, v1::PodSandboxStatus& to) {
  const sandbox::Config& config = from.record->config;
  to.set_id(from.record->id);
  FillMetadata(config.metadata, *to.mutable_metadata());
  to.set_state(StateOf(from));
  to.set_created_at(from.record->created_at_ns);
  auto* network = to.mutable_network();
  for (const std::string& ip : from.state.ips) {
    if (network->ip().empty()) {
      network->set_ip(ip);
    } else {
      network->add_additional_ips()->set_ip(ip);
    }
  }
  FillNamespaces(config.namespaces, *to.mutable_linux()->mutable_namespaces()->mutable_options());
  to.set_runtime_handler(config.runtime_handler);
  FillLabels(config, to);
}

void FillContainer(const state::Container& from, v1::Container& to) {
  const container::Record& record = *from.record;
  to.set_id(record.id);
  to.set_pod_sandbox_id(record.sandbox_id);
  to.mutable_metadata()->set_name(record.config.name);
  to.mutable_metadata()->set_attempt(record.config.attempt);
  FillImage(record, *to.mutable_image());
  to.set_image_ref(record.image_id);
  to.set_image_id(record.image_id);
  to.set_state(StateOf(from));
  to.set_created_at(record.created_at_ns);
  FillLabels(record.config, to);
}

void FillContainerStatus(const state::Container& from, v1::ContainerStatus& to) {
  const container::Record& record = *from.record;
  to.set_id(record.id);
  to.mutable_metadata()->set_name(record.config.name);
  to.mutable_metadata()->set_attempt(record.config.attempt);
  to.set_state(StateOf(from));
  to.set_created_at(record.created_at_ns);
  to.set_started_at(from.state.started_at_ns);
  to.set_finished_at(from.state.finished_at_ns);
  to.set_exit_code(from.state.exit_code);
  FillImage(record, *to.mutable_image());
  to.mutable_image()->set_image(container::ShownImage(record.config));
  to.set_image_ref(record.image_id);
  to.set_image_id(record.image_id);
  to.set_reason(ReasonOf(from.state));
  to.set_message(from.state.message);
  FillLabels(record.config, to);
  FillMounts(record, to);
  to.set_log_path(record.log_path);
  FillResources(from.state.resources, *to.mutable_resources()->mutable_linux());
  FillUser(record.user, *to.mutable_user()->mutable_linux());
  to.set_stop_signal(SignalOfNumber(record.stop_signal));
}

bool HasLabels(const std::map<std::string, std::string>& labels,
               const google::protobuf::Map<std::string, std::string>& selector) {
  return std::ranges::all_of(selector, [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

bool Matches(const state::Sandbox& sandbox, const v1::PodSandboxFilter& filter) {
  if (!sandbox.record->id.starts_with(filter.id())) return false;
  if (filter.has_state() && filter.state().state() != StateOf(sandbox)) return false;
  return HasLabels(sandbox.record->config.labels, filter.label_selector());
}

bool Matches(const state::Container& container, const v1::ContainerFilter& filter) {
  const container::Record& record = *container.record;
  if (!record.id.starts_with(filter.id())) return false;
  if (!record.sandbox_id.starts_with(filter.pod_sandbox_id())) return false;
  if (filter.has_state() && filter.state().state() != StateOf(container)) return false;
  return HasLabels(record.config.labels, filter.label_selector());
}

}  // namespace trivet::cri
