#include "common/rpc/status.h"
#include "cri-runtime/service/batches.h"
#include "cri-runtime/service/handle_work.h"
#include "cri-runtime/service/metrics.h"
#include "cri-runtime/service/runtime_service.h"
#include "cri-runtime/service/stats.h"
#include "cri-runtime/stats/in_parallel.h"

// What the RuntimeService says about what is used.
namespace trivet::cri {

namespace v1 = ::runtime::v1;

namespace {

// Those that `measure` has a sample of, in order: one that goes away meanwhile is not in the list.
template <class Item, class Measure, class Visit>
void VisitSamples(const std::vector<Item>& chosen, const Measure& measure, Visit& visit) {
  std::vector<decltype(measure(chosen.front()))> samples(chosen.size(),
                                                         Fail(Code::kInternal, "not measured"));
  stats::InParallel(chosen.size(), [&](size_t i) { samples[i] = measure(chosen[i]); });
  for (const auto& sample : samples) {
    if (sample) visit(*sample);
  }
}

template <class Items, class Filter>
auto Choose(const Items& items, const Filter& filter) {
  std::vector<typename Items::Item> chosen;
  for (const auto& [id, item] : items) {
    if (Matches(*item, filter)) chosen.push_back(item);
  }
  return chosen;
}

}  // namespace

template <class Visit>
void RuntimeService::MeasureContainers(const v1::ContainerStatsFilter& filter, Visit visit) {
  const auto snapshot = node_.store.Get();
  VisitSamples(
      Choose(snapshot->containers, filter),
      [&](const auto& container) { return meter_.Measure(container); }, visit);
  meter_.Retain(*snapshot);
}

template <class Visit>
void RuntimeService::MeasurePods(const v1::PodSandboxStatsFilter& filter, Visit visit) {
  const auto snapshot = node_.store.Get();
  VisitSamples(
      Choose(snapshot->sandboxes, filter),
      [&](const auto& sandbox) { return meter_.Measure(sandbox, *snapshot); }, visit);
  meter_.Retain(*snapshot);
}

grpc::Status RuntimeService::ContainerStats(grpc::ServerContext* /*context*/,
                                            const v1::ContainerStatsRequest* request,
                                            v1::ContainerStatsResponse* response) {
  return rpc::Handle("ContainerStats", [&]() -> Result<> {
    const auto container = node_.store.Get()->FindContainer(request->container_id());
    if (container == nullptr) {
      return Fail(Code::kNotFound, "container {} does not exist", request->container_id());
    }
    ASSIGN_OR_RETURN(const auto sample, meter_.Measure(container));
    FillContainerStats(sample, meter_.LayerFolder(), *response->mutable_stats());
    return {};
  });
}

grpc::Status RuntimeService::ListContainerStats(grpc::ServerContext* /*context*/,
                                                const v1::ListContainerStatsRequest* request,
                                                v1::ListContainerStatsResponse* response) {
  return rpc::Handle("ListContainerStats", [&]() -> Result<> {
    MeasureContainers(request->filter(), [&](const auto& sample) {
      FillContainerStats(sample, meter_.LayerFolder(), *response->add_stats());
    });
    return {};
  });
}

grpc::Status RuntimeService::StreamContainerStats(
    grpc::ServerContext* /*context*/, const v1::StreamContainerStatsRequest* request,
    grpc::ServerWriter<v1::StreamContainerStatsResponse>* writer) {
  return HandleStreamWork("StreamContainerStats", [&]() -> Result<> {
    Batches batches(*writer);
    MeasureContainers(request->filter(), [&](const auto& sample) {
      FillContainerStats(sample, meter_.LayerFolder(), *batches.Next().add_container_stats());
    });
    return batches.Finish();
  });
}

grpc::Status RuntimeService::PodSandboxStats(grpc::ServerContext* /*context*/,
                                             const v1::PodSandboxStatsRequest* request,
                                             v1::PodSandboxStatsResponse* response) {
  return rpc::Handle("PodSandboxStats", [&]() -> Result<> {
    const auto snapshot = node_.store.Get();
    const auto sandbox = snapshot->FindSandbox(request->pod_sandbox_id());
    if (sandbox == nullptr) {
      return Fail(Code::kNotFound, "sandbox {} does not exist", request->pod_sandbox_id());
    }
    ASSIGN_OR_RETURN(const auto sample, meter_.Measure(sandbox, *snapshot));
    FillPodStats(sample, meter_.LayerFolder(), *response->mutable_stats());
    return {};
  });
}

grpc::Status RuntimeService::ListPodSandboxStats(grpc::ServerContext* /*context*/,
                                                 const v1::ListPodSandboxStatsRequest* request,
                                                 v1::ListPodSandboxStatsResponse* response) {
  return rpc::Handle("ListPodSandboxStats", [&]() -> Result<> {
    MeasurePods(request->filter(), [&](const auto& sample) {
      FillPodStats(sample, meter_.LayerFolder(), *response->add_stats());
    });
    return {};
  });
}

grpc::Status RuntimeService::StreamPodSandboxStats(
    grpc::ServerContext* /*context*/, const v1::StreamPodSandboxStatsRequest* request,
    grpc::ServerWriter<v1::StreamPodSandboxStatsResponse>* writer) {
  return HandleStreamWork("StreamPodSandboxStats", [&]() -> Result<> {
    Batches batches(*writer);
    MeasurePods(request->filter(), [&](const auto& sample) {
      FillPodStats(sample, meter_.LayerFolder(), *batches.Next().add_pod_sandbox_stats());
    });
    return batches.Finish();
  });
}

grpc::Status RuntimeService::ListMetricDescriptors(
    grpc::ServerContext* /*context*/, const v1::ListMetricDescriptorsRequest* /*request*/,
    v1::ListMetricDescriptorsResponse* response) {
  return rpc::Handle("ListMetricDescriptors", [&]() -> Result<> {
    FillMetricDescriptors(*response);
    return {};
  });
}

grpc::Status RuntimeService::ListPodSandboxMetrics(
    grpc::ServerContext* /*context*/, const v1::ListPodSandboxMetricsRequest* /*request*/,
    v1::ListPodSandboxMetricsResponse* response) {
  return rpc::Handle("ListPodSandboxMetrics", [&]() -> Result<> {
    MeasurePods({}, [&](const auto& sample) {
      FillPodMetrics(sample, meter_, *response->add_pod_metrics());
    });
    return {};
  });
}

grpc::Status RuntimeService::StreamPodSandboxMetrics(
    grpc::ServerContext* /*context*/, const v1::StreamPodSandboxMetricsRequest* /*request*/,
    grpc::ServerWriter<v1::StreamPodSandboxMetricsResponse>* writer) {
  return HandleStreamWork("StreamPodSandboxMetrics", [&]() -> Result<> {
    Batches batches(*writer);
    MeasurePods({}, [&](const auto& sample) {
      FillPodMetrics(sample, meter_, *batches.Next().add_pod_sandbox_metrics());
    });
    return batches.Finish();
  });
}

}  // namespace trivet::cri
