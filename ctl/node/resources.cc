#include "ctl/node/resources.h"

#include <algorithm>

namespace trivet::ctl {
namespace {

constexpr int64_t kMinShares = 2;
constexpr int64_t kMaxShares = 262144;
constexpr int64_t kPeriodMicroseconds = 100'000;
constexpr int64_t kMinQuotaMicroseconds = 1'000;

bool AsksNothing(const Resources& r) {
  return r.cpu_request_milli.value_or(0) == 0 && r.memory_request_bytes.value_or(0) == 0 &&
         r.cpu_limit_milli.value_or(0) == 0 && r.memory_limit_bytes.value_or(0) == 0;
}

bool AsksExactly(const Resources& r) {
  return r.cpu_limit_milli.value_or(0) > 0 && r.memory_limit_bytes.value_or(0) > 0 &&
         r.cpu_request_milli == r.cpu_limit_milli && r.memory_request_bytes == r.memory_limit_bytes;
}

std::vector<const Container*> AllContainers(const Pod& pod) {
  std::vector<const Container*> all;
  for (const auto* list : {&pod.init_containers, &pod.containers}) {
    for (const Container& container : *list) all.push_back(&container);
  }
  return all;
}

void SetCpuAndMemory(const Resources& wanted, ::runtime::v1::LinuxContainerResources& out) {
  out.set_cpu_shares(CpuShares(wanted.cpu_request_milli.value_or(0)));
  out.set_cpu_period(kPeriodMicroseconds);
  out.set_cpu_quota(CpuQuotaMicroseconds(wanted.cpu_limit_milli.value_or(0)));
  out.set_memory_limit_in_bytes(wanted.memory_limit_bytes.value_or(0));
}

void AddLimit(std::optional<int64_t>& sum, const std::optional<int64_t>& limit) {
  if (sum && limit) {
    *sum += *limit;
  } else {
    sum.reset();
  }
}

}  // namespace

Qos QosOf(const Pod& pod) {
  const auto all = AllContainers(pod);
  if (std::ranges::all_of(all, [](const Container* c) { return AsksNothing(c->resources); })) {
    return Qos::kBestEffort;
  }
  if (std::ranges::all_of(all, [](const Container* c) { return AsksExactly(c->resources); })) {
    return Qos::kGuaranteed;
  }
  return Qos::kBurstable;
}

int64_t CpuShares(int64_t milli_cpu) {
  return std::clamp(milli_cpu * 1024 / 1000, kMinShares, kMaxShares);
}

int64_t CpuQuotaMicroseconds(int64_t milli_cpu) {
  if (milli_cpu == 0) return 0;
  return std::max(milli_cpu * kPeriodMicroseconds / 1000, kMinQuotaMicroseconds);
}

int64_t OomScoreAdjust(Qos qos, const Container& container, int64_t node_memory_bytes) {
  constexpr int64_t kGuaranteed = -997;
  constexpr int64_t kBestEffort = 1000;
  if (qos == Qos::kGuaranteed) return kGuaranteed;
  if (qos == Qos::kBestEffort || node_memory_bytes <= 0) return kBestEffort;
  const int64_t request_bytes = container.resources.memory_request_bytes.value_or(0);
  // Divided first: a request times 1000 may not fit.
  const double share = static_cast<double>(request_bytes) / static_cast<double>(node_memory_bytes);
  const auto score = kBestEffort - static_cast<int64_t>(1000 * share);
  return std::clamp(score, 1000 + kGuaranteed, kBestEffort - 1);
}

::runtime::v1::LinuxContainerResources ContainerResources(const Pod& pod,
                                                          const Container& container,
                                                          const NodeFacts& facts) {
  ::runtime::v1::LinuxContainerResources out;
  SetCpuAndMemory(container.resources, out);
  out.set_oom_score_adj(OomScoreAdjust(QosOf(pod), container, facts.memory_bytes));
  // One process of a container over its limit ends the whole container, as the kubelet asks.
  if (facts.cgroup_v2) (*out.mutable_unified())["memory.oom.group"] = "1";
  return out;
}

::runtime::v1::LinuxContainerResources PodResources(const Pod& pod) {
  Resources sum{.cpu_request_milli = 0,
                .cpu_limit_milli = 0,
                .memory_request_bytes = 0,
                .memory_limit_bytes = 0};
  for (const Container& container : pod.containers) {
    *sum.cpu_request_milli += container.resources.cpu_request_milli.value_or(0);
    AddLimit(sum.cpu_limit_milli, container.resources.cpu_limit_milli);
    AddLimit(sum.memory_limit_bytes, container.resources.memory_limit_bytes);
  }
  ::runtime::v1::LinuxContainerResources out;
  SetCpuAndMemory(sum, out);
  return out;
}

}  // namespace trivet::ctl
