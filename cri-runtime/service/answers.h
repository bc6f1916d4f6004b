#pragma once

#include "cri-runtime/state/snapshot.h"
#include "proto/cri/api.pb.h"

/// Records as the CRI's messages.
namespace trivet::cri {

/// Labels and annotations of a record's configuration into any message that has both.
template <class Config, class Message>
void FillLabels(const Config& from, Message& to) {
  to.mutable_labels()->insert(from.labels.begin(), from.labels.end());
  to.mutable_annotations()->insert(from.annotations.begin(), from.annotations.end());
}

void FillSandbox(const state::Sandbox& from, ::runtime::v1::PodSandbox& to);
void FillSandboxStatus(const state::Sandbox& from, ::runtime::v1::PodSandboxStatus& to);
void FillContainer(const state::Container& from, ::runtime::v1::Container& to);
void FillContainerStatus(const state::Container& from, ::runtime::v1::ContainerStatus& to);

/// Whether a filter lets it through: all its parts must; ids match by their beginning.
bool Matches(const state::Sandbox& sandbox, const ::runtime::v1::PodSandboxFilter& filter);
bool Matches(const state::Container& container, const ::runtime::v1::ContainerFilter& filter);
/// Every pair of the selector is among the labels.
bool HasLabels(const std::map<std::string, std::string>& labels,
               const google::protobuf::Map<std::string, std::string>& selector);

}  // namespace trivet::cri
