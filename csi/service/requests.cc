#include "csi/service/requests.h"

#include "csi/service/fields.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {

Result<CreateRequest> Parse(const ::csi::v1::CreateVolumeRequest& request) {
  CreateRequest parsed{.name = request.name()};
  RETURN_IF_ERROR(CheckVolumeName(parsed.name));
  ASSIGN_OR_RETURN(const auto capabilities, ParseCapabilities(request.volume_capabilities()));
  ASSIGN_OR_RETURN(parsed.capacity, ParseRange(request.capacity_range()));
  ASSIGN_OR_RETURN(parsed.parameters, ParseParameters(request.parameters()));
  ASSIGN_OR_RETURN(parsed.usage, UsageOf(capabilities, parsed.parameters.file_system));
  if (request.has_volume_content_source()) {
    return Fail(Code::kInvalidArgument,
                "volume_content_source: snapshots and clones are not supported");
  }
  if (!request.mutable_parameters().empty()) {
    return Fail(Code::kInvalidArgument, "mutable_parameters: {}: unknown key",
                request.mutable_parameters().begin()->first);
  }
  return parsed;
}

Result<StageRequest> Parse(const ::csi::v1::NodeStageVolumeRequest& request) {
  StageRequest parsed{.id = request.volume_id()};
  RETURN_IF_ERROR(CheckVolumeId(parsed.id));
  ASSIGN_OR_RETURN(parsed.staging_path,
                   ParsePath("staging_target_path", request.staging_target_path()));
  ASSIGN_OR_RETURN(parsed.capability,
                   ParseCapability(request.has_volume_capability(), request.volume_capability()));
  return parsed;
}

Result<PublishRequest> Parse(const ::csi::v1::NodePublishVolumeRequest& request) {
  PublishRequest parsed{.id = request.volume_id(), .read_only = request.readonly()};
  RETURN_IF_ERROR(CheckVolumeId(parsed.id));
  ASSIGN_OR_RETURN(parsed.target_path, ParsePath("target_path", request.target_path()));
  ASSIGN_OR_RETURN(parsed.capability,
                   ParseCapability(request.has_volume_capability(), request.volume_capability()));
  // The spec's own code for this one: the plugin has STAGE_UNSTAGE_VOLUME.
  if (request.staging_target_path().empty()) {
    return Fail(Code::kFailedPrecondition, "staging_target_path: missing");
  }
  ASSIGN_OR_RETURN(parsed.staging_path,
                   ParsePath("staging_target_path", request.staging_target_path()));
  return parsed;
}

Result<PageRequest> Parse(const ::csi::v1::ListVolumesRequest& request) {
  if (request.max_entries() < 0) return Fail(Code::kInvalidArgument, "max_entries: negative");
  const std::string& token = request.starting_token();
  if (!token.empty() && !IsVolumeId(token)) {
    return Fail(Code::kAborted, "starting_token: not one of ours");
  }
  return PageRequest{.first_id = token, .count = static_cast<size_t>(request.max_entries())};
}

}  // namespace trivet::csi
