#pragma once

#include "ctl/node/facts.h"
#include "ctl/object/pod.h"
#include "proto/cri/api.pb.h"

/// Requests and limits as the kubelet turns them into cgroup values.
namespace trivet::ctl {

/// Pod quality of service: who is killed first when memory runs out.
enum class Qos { kGuaranteed, kBurstable, kBestEffort };
Qos QosOf(const Pod& pod);

/// cpu.shares: 1024 per CPU, 2 at least. Source: kubelet cm.MilliCPUToShares.
int64_t CpuShares(int64_t milli_cpu);
/// CFS quota in microseconds of a 100 ms period, 1 ms at least; 0: no limit.
int64_t CpuQuotaMicroseconds(int64_t milli_cpu);
/// oom_score_adj. Source: kubelet qos.GetContainerOOMScoreAdjust.
int64_t OomScoreAdjust(Qos qos, const Container& container, int64_t node_memory_bytes);

::runtime::v1::LinuxContainerResources ContainerResources(const Pod& pod,
                                                          const Container& container,
                                                          const NodeFacts& facts);
/// The sums over the pod's containers; a limit only where every container has one.
::runtime::v1::LinuxContainerResources PodResources(const Pod& pod);

}  // namespace trivet::ctl
