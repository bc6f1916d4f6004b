#pragma once

#include "common/rpc/unary_call.h"
#include "proto/cri/api.grpc.pb.h"

namespace trivet::cri {

/// The RuntimeService's unary methods. Those answered at once read the snapshot, others work or
/// wait for work.
// clang-format off
#define TRIVET_UNARY_METHODS(method)        \
  method(Version, kAtOnce)                  \
  method(RuntimeConfig, kAtOnce)            \
  method(PodSandboxStatus, kAtOnce)         \
  method(ListPodSandbox, kAtOnce)           \
  method(ListContainers, kAtOnce)           \
  method(ContainerStatus, kAtOnce)          \
  method(ListMetricDescriptors, kAtOnce)    \
  method(RestorePod, kAtOnce)               \
  method(RunPodSandbox, kAside)             \
  method(StopPodSandbox, kAside)            \
  method(RemovePodSandbox, kAside)          \
  method(UpdatePodSandboxResources, kAside) \
  method(CreateContainer, kAside)           \
  method(StartContainer, kAside)            \
  method(StopContainer, kAside)             \
  method(RemoveContainer, kAside)           \
  method(UpdateContainerResources, kAside)  \
  method(ReopenContainerLog, kAside)        \
  method(ExecSync, kAside)                  \
  method(ContainerStats, kAside)            \
  method(ListContainerStats, kAside)        \
  method(PodSandboxStats, kAside)           \
  method(ListPodSandboxStats, kAside)       \
  method(ListPodSandboxMetrics, kAside)     \
  method(Status, kAside)                    \
  method(UpdateRuntimeConfig, kAside)       \
  method(CheckpointContainer, kAside)       \
  method(CheckpointPod, kAside)
// clang-format on

/// A generated service of which some methods are not called by gRPC, but taken from a queue.
template <class Service, template <class> class... Methods>
struct WithQueued {
  using Type = Service;
};
template <class Service, template <class> class First, template <class> class... Others>
struct WithQueued<Service, First, Others...> {
  using Type = First<typename WithQueued<Service, Others...>::Type>;
};

#define TRIVET_QUEUED(name, where) , ::runtime::v1::RuntimeService::WithAsyncMethod_##name
using QueuedRuntimeService =
    WithQueued<::runtime::v1::RuntimeService::Service TRIVET_UNARY_METHODS(TRIVET_QUEUED)>::Type;
#undef TRIVET_QUEUED

}  // namespace trivet::cri
