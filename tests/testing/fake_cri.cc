#include "tests/testing/fake_cri.h"

#include <fmt/format.h>

#include <utility>

namespace trivet::testing {
namespace {

namespace cri = ::runtime::v1;
using grpc::Status;

template <class Labels>
bool Matches(const Labels& selector, const Labels& labels) {
  for (const auto& [key, value] : selector) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

Status NotFound(const std::string& id) {
  return {grpc::StatusCode::NOT_FOUND, id + " does not exist"};
}

}  // namespace

std::string FakeRuntime::SandboxName(const std::string& id) {
  const auto found = sandboxes_.find(id);
  return found == sandboxes_.end() ? id : found->second.config.metadata().name();
}

std::string FakeRuntime::ContainerName(const std::string& id) {
  const auto found = containers_.find(id);
  return found == containers_.end() ? id : found->second.config.metadata().name();
}

void FakeRuntime::SetShortLived(std::set<std::string> names) {
  const std::lock_guard lock(mutex_);
  short_lived_ = std::move(names);
}

void FakeRuntime::SetExitCode(int exit_code) {
  const std::lock_guard lock(mutex_);
  exit_code_ = exit_code;
}

std::map<std::string, cri::PodSandboxConfig> FakeRuntime::SandboxConfigs() {
  const std::lock_guard lock(mutex_);
  std::map<std::string, cri::PodSandboxConfig> configs;
  for (const auto& [id, sandbox] : sandboxes_) configs[SandboxName(id)] = sandbox.config;
  return configs;
}

std::map<std::string, cri::ContainerConfig> FakeRuntime::ContainerConfigs() {
  const std::lock_guard lock(mutex_);
  std::map<std::string, cri::ContainerConfig> configs;
  for (const auto& [id, container] : containers_) configs[ContainerName(id)] = container.config;
  return configs;
}

void FakeRuntime::LoseEverything() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, sandbox] : sandboxes_) sandbox.entry.set_state(cri::SANDBOX_NOTREADY);
  for (auto& [id, container] : containers_) container.entry.set_state(cri::CONTAINER_EXITED);
}

Status FakeRuntime::Version(Context*, In<cri::VersionRequest>, cri::VersionResponse* response) {
  response->set_runtime_name("fake");
  response->set_runtime_api_version("v1");
  return Status::OK;
}

Status FakeRuntime::RunPodSandbox(Context*, In<cri::RunPodSandboxRequest> request,
                                  cri::RunPodSandboxResponse* response) {
  const std::lock_guard lock(mutex_);
  if (auto status = log_.Note("RunPodSandbox", request->config().metadata().name()); !status.ok()) {
    return status;
  }
  const std::string id = fmt::format("s{}", ++made_);
  Sandbox& sandbox = sandboxes_[id];
  sandbox.config = request->config();
  sandbox.entry.set_id(id);
  *sandbox.entry.mutable_metadata() = request->config().metadata();
  *sandbox.entry.mutable_labels() = request->config().labels();
  sandbox.entry.set_created_at(made_);
  sandbox.entry.set_state(cri::SANDBOX_READY);
  response->set_pod_sandbox_id(id);
  return Status::OK;
}

Status FakeRuntime::StopPodSandbox(Context*, In<cri::StopPodSandboxRequest> request,
                                   cri::StopPodSandboxResponse*) {
  const std::lock_guard lock(mutex_);
  const std::string& id = request->pod_sandbox_id();
  if (auto status = log_.Note("StopPodSandbox", SandboxName(id)); !status.ok()) return status;
  if (!sandboxes_.contains(id)) return NotFound(id);
  sandboxes_[id].entry.set_state(cri::SANDBOX_NOTREADY);
  return Status::OK;
}

Status FakeRuntime::RemovePodSandbox(Context*, In<cri::RemovePodSandboxRequest> request,
                                     cri::RemovePodSandboxResponse*) {
  const std::lock_guard lock(mutex_);
  const std::string& id = request->pod_sandbox_id();
  if (auto status = log_.Note("RemovePodSandbox", SandboxName(id)); !status.ok()) return status;
  sandboxes_.erase(id);
  std::erase_if(containers_,
                [&](const auto& item) { return item.second.entry.pod_sandbox_id() == id; });
  return Status::OK;
}

Status FakeRuntime::PodSandboxStatus(Context*, In<cri::PodSandboxStatusRequest> request,
                                     cri::PodSandboxStatusResponse* response) {
  const std::lock_guard lock(mutex_);
  const auto found = sandboxes_.find(request->pod_sandbox_id());
  if (found == sandboxes_.end()) return NotFound(request->pod_sandbox_id());
  cri::PodSandboxStatus& status = *response->mutable_status();
  status.set_id(found->first);
  status.set_state(found->second.entry.state());
  *status.mutable_metadata() = found->second.config.metadata();
  status.mutable_network()->set_ip("10.0.0." + found->first.substr(1));
  *status.mutable_linux()->mutable_namespaces()->mutable_options() =
      found->second.config.linux().security_context().namespace_options();
  return Status::OK;
}

Status FakeRuntime::ListPodSandbox(Context*, In<cri::ListPodSandboxRequest> request,
                                   cri::ListPodSandboxResponse* response) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, sandbox] : sandboxes_) {
    if (!Matches(request->filter().label_selector(), sandbox.entry.labels())) continue;
    *response->add_items() = sandbox.entry;
  }
  return Status::OK;
}

Status FakeRuntime::CreateContainer(Context*, In<cri::CreateContainerRequest> request,
                                    cri::CreateContainerResponse* response) {
  const std::lock_guard lock(mutex_);
  const cri::ContainerConfig& config = request->config();
  if (auto status = log_.Note("CreateContainer", config.metadata().name()); !status.ok()) {
    return status;
  }
  const std::string id = fmt::format("c{}", ++made_);
  Container& container = containers_[id];
  container.config = config;
  container.entry.set_id(id);
  container.entry.set_pod_sandbox_id(request->pod_sandbox_id());
  *container.entry.mutable_metadata() = config.metadata();
  *container.entry.mutable_labels() = config.labels();
  container.entry.set_created_at(made_);
  container.entry.set_state(cri::CONTAINER_CREATED);
  response->set_container_id(id);
  return Status::OK;
}

Status FakeRuntime::StartContainer(Context*, In<cri::StartContainerRequest> request,
                                   cri::StartContainerResponse*) {
  const std::lock_guard lock(mutex_);
  const std::string& id = request->container_id();
  const std::string name = ContainerName(id);
  if (auto status = log_.Note("StartContainer", name); !status.ok()) return status;
  if (!containers_.contains(id)) return NotFound(id);
  const bool ends = short_lived_.contains(name);
  containers_[id].entry.set_state(ends ? cri::CONTAINER_EXITED : cri::CONTAINER_RUNNING);
  containers_[id].exit_code = ends ? exit_code_ : 0;
  return Status::OK;
}

Status FakeRuntime::StopContainer(Context*, In<cri::StopContainerRequest> request,
                                  cri::StopContainerResponse*) {
  const std::lock_guard lock(mutex_);
  const std::string& id = request->container_id();
  if (auto status = log_.Note("StopContainer", ContainerName(id)); !status.ok()) return status;
  if (containers_.contains(id)) containers_[id].entry.set_state(cri::CONTAINER_EXITED);
  return Status::OK;
}

Status FakeRuntime::RemoveContainer(Context*, In<cri::RemoveContainerRequest> request,
                                    cri::RemoveContainerResponse*) {
  const std::lock_guard lock(mutex_);
  const std::string& id = request->container_id();
  if (auto status = log_.Note("RemoveContainer", ContainerName(id)); !status.ok()) return status;
  containers_.erase(id);
  return Status::OK;
}

Status FakeRuntime::ExecSync(Context*, In<cri::ExecSyncRequest> request,
                             cri::ExecSyncResponse* response) {
  std::string words;
  for (const std::string& word : request->cmd()) words += word + "\n";
  response->set_stdout(words);
  const std::lock_guard lock(mutex_);
  response->set_exit_code(exit_code_);
  return Status::OK;
}

Status FakeRuntime::ListContainers(Context*, In<cri::ListContainersRequest> request,
                                   cri::ListContainersResponse* response) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, container] : containers_) {
    if (!Matches(request->filter().label_selector(), container.entry.labels())) continue;
    *response->add_containers() = container.entry;
  }
  return Status::OK;
}

Status FakeRuntime::ContainerStatus(Context*, In<cri::ContainerStatusRequest> request,
                                    cri::ContainerStatusResponse* response) {
  const std::lock_guard lock(mutex_);
  const auto found = containers_.find(request->container_id());
  if (found == containers_.end()) return NotFound(request->container_id());
  cri::ContainerStatus& status = *response->mutable_status();
  status.set_id(found->first);
  *status.mutable_metadata() = found->second.config.metadata();
  status.set_state(found->second.entry.state());
  status.set_exit_code(found->second.exit_code);
  status.set_log_path("/logs/" + found->second.config.log_path());
  return Status::OK;
}

Status FakeImages::ImageStatus(grpc::ServerContext*, const cri::ImageStatusRequest* request,
                               cri::ImageStatusResponse* response) {
  const std::lock_guard lock(mutex_);
  const std::string& name = request->image().image();
  if (!present.contains(name)) return Status::OK;
  response->mutable_image()->set_id("sha256:" + name);
  response->mutable_image()->add_repo_tags(name);
  response->mutable_image()->mutable_uid()->set_value(user);
  return Status::OK;
}

Status FakeImages::PullImage(grpc::ServerContext*, const cri::PullImageRequest* request,
                             cri::PullImageResponse* response) {
  const std::lock_guard lock(mutex_);
  const std::string& name = request->image().image();
  if (auto status = log_.Note("PullImage", name); !status.ok()) return status;
  if (!pullable.contains(name)) return NotFound(name);
  present.insert(name);
  response->set_image_ref("sha256:" + name);
  return Status::OK;
}

}  // namespace trivet::testing
