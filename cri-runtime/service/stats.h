#pragma once

#include "cri-runtime/stats/meter.h"
#include "proto/cri/api.pb.h"

/// Measurements as the CRI's messages.
namespace trivet::cri {

/// `layer_folder` names the file system of the writable layer.
void FillContainerStats(const stats::ContainerSample& from,
                        const std::filesystem::path& layer_folder,
                        ::runtime::v1::ContainerStats& to);

void FillPodStats(const stats::PodSample& from, const std::filesystem::path& layer_folder,
                  ::runtime::v1::PodSandboxStats& to);

bool Matches(const state::Container& container, const ::runtime::v1::ContainerStatsFilter& filter);
bool Matches(const state::Sandbox& sandbox, const ::runtime::v1::PodSandboxStatsFilter& filter);

}  // namespace trivet::cri
