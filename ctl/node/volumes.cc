#include "ctl/node/volumes.h"

#include "common/linux/file.h"
#include "ctl/node/ownership.h"

namespace trivet::ctl {
namespace {

namespace csi_api = ::csi::v1;
using csi_api::Controller;
using CsiNode = csi_api::Node;

// A driver that has forgotten a volume has nothing left to undo.
template <class T>
Result<> IgnoreNotFound(const Result<T>& result) {
  if (result || result.error().code() == Code::kNotFound) return {};
  return std::unexpected(result.error());
}

}  // namespace

Result<> Volumes::Connect() {
  if (csi_) return {};
  ASSIGN_OR_RETURN(csi_, Csi::Connect(socket_));
  return {};
}

Result<> Volumes::Create(const Claim& claim, Record& record) {
  if (!record.volume_id.empty()) return {};
  RETURN_IF_ERROR(Connect());
  const auto start = Report::Clock::now();
  ASSIGN_OR_RETURN(const auto request, MakeCreateVolumeRequest(claim, record.uid, csi_->abilities));
  ASSIGN_OR_RETURN(const auto response,
                   Call(*csi_->controller, &Controller::Stub::CreateVolume, request),
                   "create volume");
  record.volume_id = response.volume().volume_id();
  record.volume_context = {response.volume().volume_context().begin(),
                           response.volume().volume_context().end()};
  RETURN_IF_ERROR(records_.Put(record));
  report_.Done(
      "volume created", record.Path(),
      fmt::format("{}, {} MiB", record.volume_id, response.volume().capacity_bytes() >> 20), start);
  return {};
}

Result<> Volumes::Delete(const Record& record) {
  // Without an id the call may still have reached the driver before this program ended: ask
  // again under the same name, and delete what that gives.
  Record known = record;
  if (known.volume_id.empty()) {
    const json::Value object = record.Object();
    Warnings warnings;
    ASSIGN_OR_RETURN(const Claim claim, ReadClaim(Fields(object, record.Path(), "", warnings)));
    RETURN_IF_ERROR(Create(claim, known));
  }
  RETURN_IF_ERROR(Connect());
  const auto start = Report::Clock::now();
  csi_api::DeleteVolumeRequest request;
  request.set_volume_id(known.volume_id);
  RETURN_IF_ERROR(IgnoreNotFound(Call(*csi_->controller, &Controller::Stub::DeleteVolume, request)),
                  "delete volume");
  report_.Done("volume deleted", record.Path(), known.volume_id, start);
  return {};
}

Result<Volumes::Mounting> Volumes::MakeMounting(const Claim& claim, const Record& record,
                                                const ClaimUse& use) {
  Mounting mounting;
  ASSIGN_OR_RETURN(auto capabilities, MakeCapabilities(claim, csi_->abilities));
  mounting.capability = std::move(capabilities.front());
  if (!claim.block && use.fs_group && csi_->abilities.volume_mount_group) {
    mounting.capability.mutable_mount()->set_volume_mount_group(std::to_string(*use.fs_group));
  }
  RETURN_IF_ERROR(Attach(record, mounting), "controller publish");
  return mounting;
}

Result<> Volumes::Attach(const Record& record, Mounting& mounting) {
  if (!csi_->abilities.controller_publish) return {};
  csi_api::ControllerPublishVolumeRequest request;
  request.set_volume_id(record.volume_id);
  request.set_node_id(csi_->node_id);
  *request.mutable_volume_capability() = mounting.capability;
  request.set_readonly(false);  // one attachment for all pods: read-only is a matter of the publish
  request.mutable_volume_context()->insert(record.volume_context.begin(),
                                           record.volume_context.end());
  ASSIGN_OR_RETURN(const auto response,
                   Call(*csi_->controller, &Controller::Stub::ControllerPublishVolume, request));
  mounting.publish_context = response.publish_context();
  return {};
}

Result<> Volumes::Stage(const Record& record, const Mounting& mounting) {
  if (!csi_->abilities.stage) return {};
  const auto start = Report::Clock::now();
  const std::filesystem::path target = paths_.Staged(record.uid);
  RETURN_IF_ERROR(EnsureDirectory(target));
  csi_api::NodeStageVolumeRequest request;
  request.set_volume_id(record.volume_id);
  request.set_staging_target_path(target.native());
  *request.mutable_volume_capability() = mounting.capability;
  *request.mutable_publish_context() = mounting.publish_context;
  request.mutable_volume_context()->insert(record.volume_context.begin(),
                                           record.volume_context.end());
  RETURN_IF_ERROR(Call(*csi_->node, &CsiNode::Stub::NodeStageVolume, request));
  report_.Done("volume staged", record.Path(), "", start);
  return {};
}

Result<std::filesystem::path> Volumes::PublishStaged(const Record& record, const Mounting& mounting,
                                                     const ClaimUse& use) {
  const auto start = Report::Clock::now();
  std::filesystem::path target = paths_.Published(use.pod_uid, record.uid);
  RETURN_IF_ERROR(EnsureDirectory(target.parent_path()));
  csi_api::NodePublishVolumeRequest request;
  request.set_volume_id(record.volume_id);
  request.set_target_path(target.native());
  if (csi_->abilities.stage) request.set_staging_target_path(paths_.Staged(record.uid).native());
  *request.mutable_volume_capability() = mounting.capability;
  *request.mutable_publish_context() = mounting.publish_context;
  request.set_readonly(use.read_only);
  request.mutable_volume_context()->insert(record.volume_context.begin(),
                                           record.volume_context.end());
  RETURN_IF_ERROR(Call(*csi_->node, &CsiNode::Stub::NodePublishVolume, request));
  report_.Done("volume published", record.Path(), "", start);
  return target;
}

Result<MountedVolume> Volumes::Publish(const Claim& claim, const Record& record,
                                       const ClaimUse& use) {
  RETURN_IF_ERROR(Connect());
  ASSIGN_OR_RETURN(const Mounting mounting, MakeMounting(claim, record, use));
  RETURN_IF_ERROR(Stage(record, mounting), "stage volume");
  ASSIGN_OR_RETURN(auto target, PublishStaged(record, mounting, use), "publish volume");
  const bool apply_group =
      use.fs_group && !claim.block && !use.read_only && !csi_->abilities.volume_mount_group;
  if (apply_group) RETURN_IF_ERROR(GiveToGroup(target, *use.fs_group), "fsGroup");
  return MountedVolume{
      .host_path = std::move(target), .read_only = use.read_only, .relabel = !use.read_only};
}

Result<> Volumes::Unpublish(const Record& record, const std::string& pod_uid) {
  if (record.volume_id.empty()) return {};  // never got as far
  RETURN_IF_ERROR(Connect());
  const auto start = Report::Clock::now();
  csi_api::NodeUnpublishVolumeRequest request;
  request.set_volume_id(record.volume_id);
  request.set_target_path(paths_.Published(pod_uid, record.uid).native());
  RETURN_IF_ERROR(IgnoreNotFound(Call(*csi_->node, &CsiNode::Stub::NodeUnpublishVolume, request)),
                  "unpublish volume");
  report_.Done("volume unpublished", record.Path(), "", start);
  return {};
}

Result<> Volumes::Unstage(const Record& record) {
  if (record.volume_id.empty()) return {};
  RETURN_IF_ERROR(Connect());
  const auto start = Report::Clock::now();
  if (csi_->abilities.stage) {
    csi_api::NodeUnstageVolumeRequest request;
    request.set_volume_id(record.volume_id);
    request.set_staging_target_path(paths_.Staged(record.uid).native());
    RETURN_IF_ERROR(IgnoreNotFound(Call(*csi_->node, &CsiNode::Stub::NodeUnstageVolume, request)),
                    "unstage volume");
  }
  if (csi_->abilities.controller_publish) {
    csi_api::ControllerUnpublishVolumeRequest request;
    request.set_volume_id(record.volume_id);
    request.set_node_id(csi_->node_id);
    RETURN_IF_ERROR(IgnoreNotFound(Call(*csi_->controller,
                                        &Controller::Stub::ControllerUnpublishVolume, request)),
                    "controller unpublish");
  }
  RETURN_IF_ERROR(RemoveEmptyTree(paths_.Staged(record.uid).parent_path()));
  report_.Done("volume unstaged", record.Path(), "", start);
  return {};
}

}  // namespace trivet::ctl
