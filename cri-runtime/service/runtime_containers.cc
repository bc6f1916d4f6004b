#include "common/rpc/status.h"
#include "cri-runtime/service/answers.h"
#include "cri-runtime/service/batches.h"
#include "cri-runtime/service/container_request.h"
#include "cri-runtime/service/field_checks.h"
#include "cri-runtime/service/handle_work.h"
#include "cri-runtime/service/list_items.h"
#include "cri-runtime/service/resources_message.h"
#include "cri-runtime/service/runtime_service.h"
#include "cri-runtime/state/fields.h"

// The RuntimeService's calls about containers.
namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;

Result<std::vector<std::string>> ParseCommand(const v1::ExecSyncRequest& request) {
  if (request.cmd().empty()) return Fail(Code::kInvalidArgument, "cmd: missing");
  for (const std::string& argument : request.cmd()) RETURN_IF_ERROR(CheckArgument("cmd", argument));
  return std::vector<std::string>(request.cmd().begin(), request.cmd().end());
}

// A half-made one is nobody's yet.
bool IsListed(const state::Container& container, const v1::ContainerFilter& filter) {
  return container.state.phase != container::Phase::kCreating && Matches(container, filter);
}

}  // namespace

grpc::Status RuntimeService::CreateContainer(grpc::ServerContext* context,
                                             const v1::CreateContainerRequest* request,
                                             v1::CreateContainerResponse* response) {
  return rpc::Handle("CreateContainer", [&]() -> Result<> {
    ASSIGN_OR_RETURN(container::Config config, ParseContainer(request->config()), "request");
    config.security.pod_is_privileged =
        request->sandbox_config().linux().security_context().privileged();
    ASSIGN_OR_RETURN(
        const std::string id,
        containers_.Create(request->pod_sandbox_id(), std::move(config), DeadlineOf(context)),
        "create container");
    response->set_container_id(id);
    return {};
  });
}

grpc::Status RuntimeService::StartContainer(grpc::ServerContext* context,
                                            const v1::StartContainerRequest* request,
                                            v1::StartContainerResponse* /*response*/) {
  return rpc::Handle("StartContainer", [&]() -> Result<> {
    RETURN_IF_ERROR(containers_.Start(request->container_id(), DeadlineOf(context)),
                    "start container");
    return {};
  });
}

grpc::Status RuntimeService::StopContainer(grpc::ServerContext* /*context*/,
                                           const v1::StopContainerRequest* request,
                                           v1::StopContainerResponse* /*response*/) {
  return rpc::Handle("StopContainer", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const auto timeout, ParseGrace(request->timeout()), "request");
    RETURN_IF_ERROR(containers_.Stop(request->container_id(), timeout), "stop container");
    return {};
  });
}

grpc::Status RuntimeService::RemoveContainer(grpc::ServerContext* /*context*/,
                                             const v1::RemoveContainerRequest* request,
                                             v1::RemoveContainerResponse* /*response*/) {
  return rpc::Handle("RemoveContainer", [&]() -> Result<> {
    RETURN_IF_ERROR(containers_.Remove(request->container_id()), "remove container");
    return {};
  });
}

grpc::Status RuntimeService::ListContainers(grpc::ServerContext* /*context*/,
                                            const v1::ListContainersRequest* request,
                                            v1::ListContainersResponse* response) {
  return rpc::Handle("ListContainers", [&]() -> Result<> {
    const auto snapshot = node_.store.Get();
    ListItems items(*response, v1::ListContainersResponse::kContainersFieldNumber);
    for (const auto& [id, container] : snapshot->containers) {
      if (IsListed(*container, request->filter())) items.Add(*container, FillContainer);
    }
    return {};
  });
}

grpc::Status RuntimeService::StreamContainers(
    grpc::ServerContext* /*context*/, const v1::StreamContainersRequest* request,
    grpc::ServerWriter<v1::StreamContainersResponse>* writer) {
  return HandleStreamWork("StreamContainers", [&]() -> Result<> {
    Batches batches(*writer);
    const auto snapshot = node_.store.Get();
    for (const auto& [id, container] : snapshot->containers) {
      if (!IsListed(*container, request->filter())) continue;
      FillContainer(*container, *batches.Next().add_containers());
    }
    return batches.Finish();
  });
}

grpc::Status RuntimeService::ContainerStatus(grpc::ServerContext* /*context*/,
                                             const v1::ContainerStatusRequest* request,
                                             v1::ContainerStatusResponse* response) {
  return rpc::Handle("ContainerStatus", [&]() -> Result<> {
    const auto container = node_.store.Get()->FindContainer(request->container_id());
    if (container == nullptr) {
      return Fail(Code::kNotFound, "container {} does not exist", request->container_id());
    }
    FillContainerStatus(*container, *response->mutable_status());
    if (request->verbose()) {
      (*response->mutable_info())["state"] = state::Encode(container->state);
      (*response->mutable_info())["selinux"] = state::Encode(container->record->selinux);
    }
    return {};
  });
}

grpc::Status RuntimeService::UpdateContainerResources(
    grpc::ServerContext* /*context*/, const v1::UpdateContainerResourcesRequest* request,
    v1::UpdateContainerResourcesResponse* /*response*/) {
  return rpc::Handle("UpdateContainerResources", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const container::Resources resources, ParseResources(request->linux()),
                     "request");
    return containers_.UpdateResources(request->container_id(), resources);
  });
}

grpc::Status RuntimeService::ReopenContainerLog(grpc::ServerContext* /*context*/,
                                                const v1::ReopenContainerLogRequest* request,
                                                v1::ReopenContainerLogResponse* /*response*/) {
  return rpc::Handle("ReopenContainerLog", [&]() -> Result<> {
    RETURN_IF_ERROR(containers_.ReopenLog(request->container_id()), "reopen log");
    return {};
  });
}

grpc::Status RuntimeService::ExecSync(grpc::ServerContext* /*context*/,
                                      const v1::ExecSyncRequest* request,
                                      v1::ExecSyncResponse* response) {
  return rpc::Handle("ExecSync", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const auto timeout, ParseTimeout(request->timeout()), "request");
    ASSIGN_OR_RETURN(const std::vector<std::string> command, ParseCommand(*request), "request");
    ASSIGN_OR_RETURN(container::ExecOutput output,
                     containers_.ExecSync(request->container_id(), command, timeout));
    response->set_stdout(std::move(output.out));
    response->set_stderr(std::move(output.err));
    response->set_exit_code(output.exit_code);
    return {};
  });
}

}  // namespace trivet::cri
