#include <algorithm>

#include "common/linux/user_namespace.h"
#include "common/rpc/status.h"
#include "cri-runtime/checkpoint/pod.h"
#include "cri-runtime/clock.h"
#include "cri-runtime/service/field_checks.h"
#include "cri-runtime/service/runtime_service.h"

// What the RuntimeService says about the node itself.
namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;

constexpr const char* kApiVersion = "v1";
// The only one that the kubelet takes, and it has nothing to do with ours.
// Source: kubeRuntimeAPIVersion in k8s.io/kubernetes/pkg/kubelet/kuberuntime.
constexpr const char* kKubeletRuntimeApiVersion = "0.1.0";

void FillConditions(const Result<network::NetworkConfig>& network, v1::RuntimeStatus& status) {
  auto* runtime = status.add_conditions();
  runtime->set_type("RuntimeReady");
  runtime->set_status(true);
  auto* condition = status.add_conditions();
  condition->set_type("NetworkReady");
  condition->set_status(network.has_value());
  if (network) return;
  condition->set_reason("NetworkPluginNotReady");
  condition->set_message(network.error().message());
}

// The default one is named "".
void AddHandler(const std::string& name, v1::StatusResponse& response) {
  auto* handler = response.add_runtime_handlers();
  handler->set_name(name);
  handler->mutable_features()->set_recursive_read_only_mounts(true);
  handler->mutable_features()->set_user_namespaces(CanUseUserNamespaces());
}

Result<checkpoint::PodTarget> ParsePodTarget(const v1::CheckpointPodRequest& request) {
  RETURN_IF_ERROR(CheckAbsolutePath("output_path", request.output_path()));
  if (!request.options().empty()) {
    return Fail(Code::kInvalidArgument, "options: unexpected \"{}\"",
                request.options().begin()->first);
  }
  return checkpoint::PodTarget{
      .sandbox_id = request.pod_sandbox_id(),
      .container_ids = {request.container_ids().begin(), request.container_ids().end()},
      .folder = request.output_path()};
}

// At the caller's deadline, or `timeout` where that is sooner; a caller may have none.
std::chrono::steady_clock::time_point CheckpointDeadline(const grpc::ServerContext* context,
                                                         std::chrono::seconds timeout) {
  constexpr auto kDefaultTimeout = std::chrono::minutes(2);
  std::chrono::nanoseconds left = timeout.count() > 0 ? timeout : kDefaultTimeout;
  const auto deadline = DeadlineOf(context);
  if (deadline != std::chrono::system_clock::time_point::max()) {
    left = std::min<std::chrono::nanoseconds>(left, deadline - std::chrono::system_clock::now());
  }
  return std::chrono::steady_clock::now() + left;
}

// "stateDir" is the name by which the field's test suite asks for the folder.
std::string ConfigInfo(const Config& config) {
  json::Value info = ToJson(config);
  info["stateDir"] = config.state_dir.native();
  return json::Write(info);
}

}  // namespace

grpc::Status RuntimeService::Version(grpc::ServerContext* /*context*/,
                                     const v1::VersionRequest* /*request*/,
                                     v1::VersionResponse* response) {
  return rpc::Handle("Version", [&]() -> Result<> {
    response->set_version(kKubeletRuntimeApiVersion);
    response->set_runtime_name("trivet");
    response->set_runtime_version(TRIVET_VERSION);
    response->set_runtime_api_version(kApiVersion);
    return {};
  });
}

grpc::Status RuntimeService::Status(grpc::ServerContext* /*context*/,
                                    const v1::StatusRequest* request,
                                    v1::StatusResponse* response) {
  return rpc::Handle("Status", [&]() -> Result<> {
    const auto network = node_.network_monitor.Ready();
    FillConditions(network, *response->mutable_status());
    AddHandler("", *response);
    const auto config = node_.config.Get();
    for (const auto& [name, shim] : config->runtime_handlers) AddHandler(name, *response);
    response->mutable_features()->set_supplemental_groups_policy(true);
    response->mutable_features()->set_mount_options(true);
    if (!request->verbose()) return {};
    (*response->mutable_info())["config"] = ConfigInfo(*config);
    (*response->mutable_info())["operations"] = Operations();
    if (network) (*response->mutable_info())["cniconfig"] = network->text;
    return {};
  });
}

// What runs now, for whoever asks why something takes long.
std::string RuntimeService::Operations() const {
  json::Value operations = json::Value::object();
  for (const auto& [key, step] : sandboxes_.Running()) operations["RunPodSandbox " + key] = step;
  for (const auto& [key, step] : containers_.Running()) operations[key] = step;
  return json::Write(operations);
}

grpc::Status RuntimeService::RuntimeConfig(grpc::ServerContext* /*context*/,
                                           const v1::RuntimeConfigRequest* /*request*/,
                                           v1::RuntimeConfigResponse* response) {
  return rpc::Handle("RuntimeConfig", [&]() -> Result<> {
    const bool systemd = node_.config->cgroup_driver == "systemd";
    response->mutable_linux()->set_cgroup_driver(systemd ? v1::SYSTEMD : v1::CGROUPFS);
    return {};
  });
}

// For the plugins that take their address ranges from the runtime.
grpc::Status RuntimeService::UpdateRuntimeConfig(grpc::ServerContext* /*context*/,
                                                 const v1::UpdateRuntimeConfigRequest* request,
                                                 v1::UpdateRuntimeConfigResponse* /*response*/) {
  return rpc::Handle("UpdateRuntimeConfig", [&]() -> Result<> {
    return node_.pod_cidrs.Set(request->runtime_config().network_config().pod_cidr());
  });
}

grpc::Status RuntimeService::CheckpointContainer(grpc::ServerContext* context,
                                                 const v1::CheckpointContainerRequest* request,
                                                 v1::CheckpointContainerResponse* /*response*/) {
  return rpc::Handle("CheckpointContainer", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckAbsolutePath("location", request->location()), "request");
    ASSIGN_OR_RETURN(const auto timeout, ParseTimeout(request->timeout()), "request");
    RETURN_IF_ERROR(containers_.Checkpoint({{request->container_id(), request->location()}},
                                           CheckpointDeadline(context, timeout)),
                    "checkpoint");
    return {};
  });
}

grpc::Status RuntimeService::CheckpointPod(grpc::ServerContext* context,
                                           const v1::CheckpointPodRequest* request,
                                           v1::CheckpointPodResponse* /*response*/) {
  return rpc::Handle("CheckpointPod", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const checkpoint::PodTarget target, ParsePodTarget(*request), "request");
    RETURN_IF_ERROR(checkpoint::SavePod(node_, containers_, target,
                                        CheckpointDeadline(context, std::chrono::seconds(0))),
                    "checkpoint");
    return {};
  });
}

grpc::Status RuntimeService::RestorePod(grpc::ServerContext* /*context*/,
                                        const v1::RestorePodRequest* /*request*/,
                                        v1::RestorePodResponse* /*response*/) {
  return rpc::Handle("RestorePod", []() -> Result<> {
    return Fail(Code::kUnimplemented, "checkpoints are written, not read back");
  });
}

}  // namespace trivet::cri
