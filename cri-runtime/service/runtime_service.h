#pragma once

#include "cri-runtime/container/containers.h"
#include "cri-runtime/node.h"
#include "cri-runtime/sandbox/sandboxes.h"
#include "cri-runtime/service/queued_runtime_service.h"
#include "cri-runtime/stats/meter.h"

namespace trivet::cri {

/// The CRI's RuntimeService. Translation only: lists and statuses come from the snapshot, what acts
/// is Sandboxes and Containers. What is not overridden answers UNIMPLEMENTED.
class RuntimeService final : public QueuedRuntimeService {
 public:
  /// All borrowed.
  RuntimeService(Node& node, sandbox::Sandboxes& sandboxes, container::Containers& containers)
      : node_(node), sandboxes_(sandboxes), containers_(containers), meter_(node) {}

  /// Has all unary calls answered by the queue's thread, or by threads of its.
  void AwaitAll(rpc::CallQueue& calls);

#define TRIVET_RPC(name)                                                                       \
  grpc::Status name(grpc::ServerContext* context, const ::runtime::v1::name##Request* request, \
                    ::runtime::v1::name##Response* response) override
  TRIVET_RPC(Version);
  TRIVET_RPC(Status);
  TRIVET_RPC(RuntimeConfig);
  TRIVET_RPC(UpdateRuntimeConfig);
  TRIVET_RPC(RunPodSandbox);
  TRIVET_RPC(StopPodSandbox);
  TRIVET_RPC(RemovePodSandbox);
  TRIVET_RPC(PodSandboxStatus);
  TRIVET_RPC(ListPodSandbox);
  TRIVET_RPC(CreateContainer);
  TRIVET_RPC(StartContainer);
  TRIVET_RPC(StopContainer);
  TRIVET_RPC(RemoveContainer);
  TRIVET_RPC(ListContainers);
  TRIVET_RPC(ContainerStatus);
  TRIVET_RPC(UpdateContainerResources);
  TRIVET_RPC(ReopenContainerLog);
  TRIVET_RPC(ExecSync);
  TRIVET_RPC(ContainerStats);
  TRIVET_RPC(ListContainerStats);
  TRIVET_RPC(PodSandboxStats);
  TRIVET_RPC(ListPodSandboxStats);
  TRIVET_RPC(ListMetricDescriptors);
  TRIVET_RPC(ListPodSandboxMetrics);
  TRIVET_RPC(UpdatePodSandboxResources);
  TRIVET_RPC(CheckpointContainer);
  TRIVET_RPC(CheckpointPod);
  TRIVET_RPC(RestorePod);
#undef TRIVET_RPC

#define TRIVET_STREAM(name)                                                                    \
  grpc::Status name(grpc::ServerContext* context, const ::runtime::v1::name##Request* request, \
                    grpc::ServerWriter<::runtime::v1::name##Response>* writer) override
  TRIVET_STREAM(StreamPodSandboxes);
  TRIVET_STREAM(StreamContainers);
  TRIVET_STREAM(StreamContainerStats);
  TRIVET_STREAM(StreamPodSandboxStats);
  TRIVET_STREAM(StreamPodSandboxMetrics);
#undef TRIVET_STREAM
  grpc::Status GetContainerEvents(
      grpc::ServerContext* context, const ::runtime::v1::GetEventsRequest* request,
      grpc::ServerWriter<::runtime::v1::ContainerEventResponse>* writer) override;

 private:
  [[nodiscard]] std::string Operations() const;
  template <class Visit>
  void MeasureContainers(const ::runtime::v1::ContainerStatsFilter& filter, Visit visit);
  template <class Visit>
  void MeasurePods(const ::runtime::v1::PodSandboxStatsFilter& filter, Visit visit);

  Node& node_;
  sandbox::Sandboxes& sandboxes_;
  container::Containers& containers_;
  stats::Meter meter_;
};

}  // namespace trivet::cri
