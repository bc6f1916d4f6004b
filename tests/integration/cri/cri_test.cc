#include "tests/integration/cri/cri_test.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdlib>
#include <thread>

#include "common/linux/cgroup.h"
#include "common/linux/file.h"

namespace trivet::testing {
namespace {

// Notes its calls and answers with an address, as a plugin would that needs no interface.
constexpr const char* kScript = R"sh(#!/bin/sh
[ "$CNI_COMMAND" = VERSION ] && { echo '{"supportedVersions": ["1.0.0", "1.1.0"]}'; exit 0; }
here="$(dirname "$0")"
[ "$CNI_COMMAND" = STATUS ] && {
  [ -e "$here/unready" ] && echo '{"code": 50, "msg": "no uplink"}' && exit 1
  exit 0
}
cat >"$here/last-$CNI_COMMAND"
echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS" >>"$(dirname "$0")/calls"
while [ -e "$(dirname "$0")/slow" ]; do sleep 0.01; done
[ -e "$(dirname "$0")/broken" ] && [ "$CNI_COMMAND" = ADD ] && {
  echo '{"code": 7, "msg": "no address is left"}'
  exit 1
}
[ "$CNI_COMMAND" = ADD ] && echo '{"cniVersion": "1.0.0", "ips": [{"address": "10.9.0.2/24"}]}'
exit 0
)sh";
constexpr const char* kScriptConfig =
    R"({"cniVersion": "1.0.0", "name": "test", "plugins": [{"type": "script"}]})";
constexpr const char* kBridgeConfig = R"({{"cniVersion": "1.1.0", "name": "test", "plugins": [
    {{"type": "bridge", "bridge": "test0", "isGateway": true, "ephemeralBridge": true,
     "stateDir": "{0}", "ipam": {{"type": "host-local", "dataDir": "{0}/networks",
                                "ranges": [[{{"subnet": "10.9.0.0/24"}}]]}}}}]}})";

template <class Request>
Request WithId(const std::string& id) {
  Request request;
  if constexpr (requires { request.set_container_id(id); }) {
    request.set_container_id(id);
  } else {
    request.set_pod_sandbox_id(id);
  }
  return request;
}

}  // namespace

void CriTest::SetUp() {
  NamespaceTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  const std::string mark = folder_.path().filename().native();
  folders_ = {.state = folder_ / "state",
              .run = "/run/" + mark,  // short: a socket's path is at most 107 bytes
              .cni_config = folder_ / "cni",
              .cni_bin = {(folder_ / "bin").native()},
              .cgroup_parent = "/trivet-test/" + mark};
  scope_ = {
      .folders = {folder_.path(), folders_.run},
      .ignored = {"images", "calls", "logs", "cri.sock", "cri.json", "bin", "cni", "pod-cidrs"},
      .cgroup = folders_.cgroup_parent,
      .process_mark = mark};
  InstallScriptPlugin();
  StartDaemon();
  if (HasFatalFailure()) return;
  ImportImage();
  before_ = FindThings(scope_);
}

void CriTest::TearDown() {
  if (IsSkipped() || !daemon_) return;
  RemoveAllPods();
  EXPECT_THAT(FindLeaks(scope_, before_), ::testing::IsEmpty());
  EXPECT_EQ(daemon_->Stop(), 0);
  EXPECT_TRUE((*Cgroups::Open())->Remove(folders_.cgroup_parent).has_value());
}

// The context keeps its connection: it must be gone before the daemon stops.
void CriTest::RemoveAllPods() {
  v1::ListPodSandboxResponse pods;
  grpc::ClientContext context;
  EXPECT_THAT(daemon_->runtime().ListPodSandbox(&context, {}, &pods), IsRpcOk());
  for (const auto& pod : pods.items()) EXPECT_THAT(RemovePod(pod.id()), IsRpcOk());
}

void CriTest::StartDaemon() {
  auto daemon = CriDaemon::Start(folders_);
  ASSERT_TRUE(daemon.has_value()) << daemon.error().message();
  daemon_.emplace(std::move(*daemon));
}

void CriTest::RestartWith(const std::string& config) {
  daemon_->Kill();
  folders_.config = config;
  StartDaemon();
}

void CriTest::InstallScriptPlugin() {
  folder_.Fill({{"bin/script", kScript}, {"cni/10.conflist", kScriptConfig}, {"logs/.keep", ""}});
  ASSERT_EQ(::chmod((folder_ / "bin/script").c_str(), 0755), 0);
}

void CriTest::UseRealNetwork() {
  const std::filesystem::path plugin =
      std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-cni";
  ASSERT_TRUE(std::filesystem::exists(plugin)) << plugin;
  std::filesystem::copy_file(plugin, folder_ / "bin/bridge");
  const std::string state = folder_ / "bin/cni";  // its locks and counters stay, as they should
  folder_.Fill({{"cni/10.conflist", fmt::format(kBridgeConfig, state)}});
}

void CriTest::ImportImage() {
  const std::filesystem::path layout =
      std::filesystem::path(std::getenv("TRIVET_SOURCE_DIR")) / "build/images/busybox";
  ASSERT_TRUE(std::filesystem::exists(layout)) << layout << ": run tests/tools/images first";
  v1::PullImageRequest request;
  request.mutable_image()->set_image("oci:" + layout.native());
  v1::PullImageResponse response;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->images().PullImage(&context, request, &response), IsRpcOk());
  image_id_ = response.image_ref();
}

v1::PodSandboxConfig CriTest::PodConfig(const std::string& name) const {
  v1::PodSandboxConfig config;
  auto* metadata = config.mutable_metadata();
  metadata->set_name(name);
  metadata->set_namespace_("default");
  metadata->set_uid("uid-of-" + name);
  config.set_hostname(name);
  config.set_log_directory(LogFolder().native());
  config.mutable_dns_config()->add_servers("10.96.0.10");
  return config;
}

v1::ContainerConfig CriTest::ShellConfig(const std::string& name, const std::string& script) const {
  v1::ContainerConfig config;
  config.mutable_metadata()->set_name(name);
  config.mutable_image()->set_image(image_id_);
  for (const std::string& word : {std::string("/bin/sh"), std::string("-c"), script}) {
    config.add_command(word);
  }
  config.set_log_path(name + ".log");
  return config;
}

grpc::Status CriTest::RunPod(const v1::PodSandboxConfig& config, std::string* id) {
  v1::RunPodSandboxRequest request;
  *request.mutable_config() = config;
  v1::RunPodSandboxResponse response;
  grpc::ClientContext context;
  auto status = daemon_->runtime().RunPodSandbox(&context, request, &response);
  *id = response.pod_sandbox_id();
  return status;
}

grpc::Status CriTest::Create(const std::string& pod, const v1::ContainerConfig& config,
                             std::string* id) {
  v1::CreateContainerRequest request;
  request.set_pod_sandbox_id(pod);
  *request.mutable_config() = config;
  v1::CreateContainerResponse response;
  grpc::ClientContext context;
  auto status = daemon_->runtime().CreateContainer(&context, request, &response);
  *id = response.container_id();
  return status;
}

grpc::Status CriTest::Start(const std::string& id) {
  grpc::ClientContext context;
  v1::StartContainerResponse response;
  return daemon_->runtime().StartContainer(&context, WithId<v1::StartContainerRequest>(id),
                                           &response);
}

grpc::Status CriTest::Stop(const std::string& id, int64_t timeout_seconds) {
  auto request = WithId<v1::StopContainerRequest>(id);
  request.set_timeout(timeout_seconds);
  grpc::ClientContext context;
  v1::StopContainerResponse response;
  return daemon_->runtime().StopContainer(&context, request, &response);
}

grpc::Status CriTest::Remove(const std::string& id) {
  grpc::ClientContext context;
  v1::RemoveContainerResponse response;
  return daemon_->runtime().RemoveContainer(&context, WithId<v1::RemoveContainerRequest>(id),
                                            &response);
}

grpc::Status CriTest::StopPod(const std::string& id) {
  grpc::ClientContext context;
  v1::StopPodSandboxResponse response;
  return daemon_->runtime().StopPodSandbox(&context, WithId<v1::StopPodSandboxRequest>(id),
                                           &response);
}

grpc::Status CriTest::RemovePod(const std::string& id) {
  grpc::ClientContext context;
  v1::RemovePodSandboxResponse response;
  return daemon_->runtime().RemovePodSandbox(&context, WithId<v1::RemovePodSandboxRequest>(id),
                                             &response);
}

grpc::Status CriTest::Exec(const std::string& id, const std::vector<std::string>& command,
                           v1::ExecSyncResponse* response, int64_t timeout_seconds) {
  auto request = WithId<v1::ExecSyncRequest>(id);
  for (const std::string& word : command) request.add_cmd(word);
  request.set_timeout(timeout_seconds);
  grpc::ClientContext context;
  return daemon_->runtime().ExecSync(&context, request, response);
}

std::string CriTest::MustRunPod(const std::string& name) {
  std::string id;
  EXPECT_THAT(RunPod(PodConfig(name), &id), IsRpcOk());
  return id;
}

std::string CriTest::MustCreate(const std::string& pod, const v1::ContainerConfig& config) {
  std::string id;
  EXPECT_THAT(Create(pod, config, &id), IsRpcOk());
  return id;
}

std::string CriTest::MustStart(const std::string& pod, const v1::ContainerConfig& config) {
  std::string id = MustCreate(pod, config);
  EXPECT_THAT(Start(id), IsRpcOk());
  return id;
}

std::string CriTest::MustExec(const std::string& id, const std::string& script) {
  v1::ExecSyncResponse response;
  EXPECT_THAT(Exec(id, {"/bin/sh", "-c", script}, &response), IsRpcOk());
  EXPECT_EQ(response.exit_code(), 0) << response.stderr();
  std::string text = response.stdout();
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

v1::ContainerStatus CriTest::StatusOf(const std::string& id) {
  v1::ContainerStatusResponse response;
  grpc::ClientContext context;
  EXPECT_THAT(daemon_->runtime().ContainerStatus(&context, WithId<v1::ContainerStatusRequest>(id),
                                                 &response),
              IsRpcOk());
  return response.status();
}

v1::PodSandboxStatus CriTest::PodStatusOf(const std::string& id) {
  v1::PodSandboxStatusResponse response;
  grpc::ClientContext context;
  EXPECT_THAT(daemon_->runtime().PodSandboxStatus(&context, WithId<v1::PodSandboxStatusRequest>(id),
                                                  &response),
              IsRpcOk());
  return response.status();
}

v1::ContainerStatus CriTest::AwaitEnd(const std::string& id) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  v1::ContainerStatus status = StatusOf(id);
  while (status.state() != v1::CONTAINER_EXITED && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // CRI has no call that waits
    status = StatusOf(id);
  }
  return status;
}

void CriTest::AwaitLog(const std::string& id, const std::string& words) {
  const std::filesystem::path log = StatusOf(id).log_path();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    const auto text = ReadFile(log);
    if (text && text->find(words) != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << log << " never said " << words;
}

std::string CriTest::CniCalls() const {
  const auto calls = ReadFile(folder_ / "bin/calls");
  return calls ? *calls : "";
}

}  // namespace trivet::testing
