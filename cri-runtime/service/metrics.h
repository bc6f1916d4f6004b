#pragma once

#include "cri-runtime/stats/meter.h"
#include "proto/cri/api.pb.h"

/// The metrics as the CRI's messages.
namespace trivet::cri {

/// The labels that every metric has, before its own.
/// Values: empty where they do not apply, e.g. "image" of a pod.
std::vector<std::string> CommonMetricLabels();

void FillMetricDescriptors(::runtime::v1::ListMetricDescriptorsResponse& to);

/// Reads what the sample of a pod does not have.
void FillPodMetrics(const stats::PodSample& from, const stats::Meter& meter,
                    ::runtime::v1::PodSandboxMetrics& to);

}  // namespace trivet::cri
