#include "common/rpc/status.h"
#include "cri-runtime/clock.h"
#include "cri-runtime/service/answers.h"
#include "cri-runtime/service/batches.h"
#include "cri-runtime/service/field_checks.h"
#include "cri-runtime/service/handle_work.h"
#include "cri-runtime/service/list_items.h"
#include "cri-runtime/service/resources_message.h"
#include "cri-runtime/service/runtime_service.h"
#include "cri-runtime/service/sandbox_request.h"
#include "cri-runtime/state/fields.h"

// The RuntimeService's calls about pod sandboxes.
namespace trivet::cri {

namespace v1 = ::runtime::v1;

namespace {

// A half-made one is nobody's yet.
bool IsListed(const state::Sandbox& sandbox, const v1::PodSandboxFilter& filter) {
  return sandbox.state.phase != sandbox::Phase::kCreating && Matches(sandbox, filter);
}

}  // namespace

grpc::Status RuntimeService::RunPodSandbox(grpc::ServerContext* context,
                                           const v1::RunPodSandboxRequest* request,
                                           v1::RunPodSandboxResponse* response) {
  return rpc::Handle("RunPodSandbox", [&]() -> Result<> {
    ASSIGN_OR_RETURN(sandbox::Config config, ParseSandbox(*request), "request");
    ASSIGN_OR_RETURN(const std::string id, sandboxes_.Run(std::move(config), DeadlineOf(context)),
                     "run sandbox");
    response->set_pod_sandbox_id(id);
    return {};
  });
}

grpc::Status RuntimeService::StopPodSandbox(grpc::ServerContext* /*context*/,
                                            const v1::StopPodSandboxRequest* request,
                                            v1::StopPodSandboxResponse* /*response*/) {
  return rpc::Handle("StopPodSandbox", [&]() -> Result<> {
    RETURN_IF_ERROR(sandboxes_.Stop(request->pod_sandbox_id()), "stop sandbox");
    return {};
  });
}

grpc::Status RuntimeService::RemovePodSandbox(grpc::ServerContext* /*context*/,
                                              const v1::RemovePodSandboxRequest* request,
                                              v1::RemovePodSandboxResponse* /*response*/) {
  return rpc::Handle("RemovePodSandbox", [&]() -> Result<> {
    RETURN_IF_ERROR(sandboxes_.Remove(request->pod_sandbox_id()), "remove sandbox");
    return {};
  });
}

grpc::Status RuntimeService::PodSandboxStatus(grpc::ServerContext* /*context*/,
                                              const v1::PodSandboxStatusRequest* request,
                                              v1::PodSandboxStatusResponse* response) {
  return rpc::Handle("PodSandboxStatus", [&]() -> Result<> {
    const auto snapshot = node_.store.Get();
    const auto sandbox = snapshot->FindSandbox(request->pod_sandbox_id());
    if (sandbox == nullptr) {
      return Fail(Code::kNotFound, "sandbox {} does not exist", request->pod_sandbox_id());
    }
    FillSandboxStatus(*sandbox, *response->mutable_status());
    response->set_timestamp(NowNs());
    for (const auto& container : snapshot->ContainersOf(sandbox->record->id)) {
      if (container->state.phase == container::Phase::kCreating) continue;
      FillContainerStatus(*container, *response->add_containers_statuses());
    }
    if (request->verbose()) {
      (*response->mutable_info())["state"] = state::Encode(sandbox->state);
      (*response->mutable_info())["selinuxLevel"] = sandbox->record->selinux_level;
    }
    return {};
  });
}

grpc::Status RuntimeService::ListPodSandbox(grpc::ServerContext* /*context*/,
                                            const v1::ListPodSandboxRequest* request,
                                            v1::ListPodSandboxResponse* response) {
  return rpc::Handle("ListPodSandbox", [&]() -> Result<> {
    const auto snapshot = node_.store.Get();
    ListItems items(*response, v1::ListPodSandboxResponse::kItemsFieldNumber);
    for (const auto& [id, sandbox] : snapshot->sandboxes) {
      if (IsListed(*sandbox, request->filter())) items.Add(*sandbox, FillSandbox);
    }
    return {};
  });
}

grpc::Status RuntimeService::StreamPodSandboxes(
    grpc::ServerContext* /*context*/, const v1::StreamPodSandboxesRequest* request,
    grpc::ServerWriter<v1::StreamPodSandboxesResponse>* writer) {
  return HandleStreamWork("StreamPodSandboxes", [&]() -> Result<> {
    Batches batches(*writer);
    const auto snapshot = node_.store.Get();
    for (const auto& [id, sandbox] : snapshot->sandboxes) {
      if (!IsListed(*sandbox, request->filter())) continue;
      FillSandbox(*sandbox, *batches.Next().add_pod_sandboxes());
    }
    return batches.Finish();
  });
}

grpc::Status RuntimeService::UpdatePodSandboxResources(
    grpc::ServerContext* /*context*/, const v1::UpdatePodSandboxResourcesRequest* request,
    v1::UpdatePodSandboxResourcesResponse* /*response*/) {
  return rpc::Handle("UpdatePodSandboxResources", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const container::Resources resources, ParseResources(request->resources()),
                     "request: resources");
    ASSIGN_OR_RETURN(const container::Resources overhead, ParseResources(request->overhead()),
                     "request: overhead");
    return sandboxes_.UpdateResources(request->pod_sandbox_id(), WithOverhead(resources, overhead));
  });
}

}  // namespace trivet::cri
