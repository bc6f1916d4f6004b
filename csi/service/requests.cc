#include "csi/service/requests.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "csi/service/fields.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

bool NamesFileSystem(const std::vector<Capability>& capabilities) {
  return std::ranges::any_of(capabilities,
                             [](const Capability& one) { return one.file_system.has_value(); });
}

// An id that is none of ours is kept as it is: there is no such source.
Result<ContentSource> ParseSource(const ::csi::v1::VolumeContentSource& source) {
  const bool is_snapshot = source.has_snapshot();
  const std::string& id =
      is_snapshot ? source.snapshot().snapshot_id() : source.volume().volume_id();
  if (id.empty()) return Fail(Code::kInvalidArgument, "its id is missing");
  return ContentSource{.is_snapshot = is_snapshot, .id = id};
}

// "1073741824", "512Mi", "1Gi": bytes.
Result<uint64_t> ParseSize(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, unsigned>, 5> kUnits = {
      {{"", 0}, {"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}}};
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  for (const auto& [unit, shift] : kUnits) {
    const bool fits = number != 0 && number <= kMaxVolumeBytes >> shift;
    if (error == std::errc() && std::string_view(rest, end) == unit && fits) return number << shift;
  }
  return Fail(Code::kInvalidArgument, "unexpected \"{}\", want a number with Ki, Mi, Gi or Ti",
              text);
}

// A page of `request`, whose token is the id that begins it.
template <class Request>
Result<PageRequest> ParsePage(const Request& request, bool (*is_id)(std::string_view)) {
  if (request.max_entries() < 0) return Fail(Code::kInvalidArgument, "max_entries: negative");
  const std::string& token = request.starting_token();
  if (!token.empty() && !is_id(token)) {
    return Fail(Code::kAborted, "starting_token: not one of ours");
  }
  return PageRequest{.first_id = token, .count = static_cast<size_t>(request.max_entries())};
}

}  // namespace

Result<CreateRequest> Parse(const ::csi::v1::CreateVolumeRequest& request) {
  CreateRequest parsed{.name = request.name()};
  RETURN_IF_ERROR(CheckName(parsed.name));
  ASSIGN_OR_RETURN(const auto capabilities, ParseCapabilities(request.volume_capabilities()));
  ASSIGN_OR_RETURN(parsed.capacity, ParseRange(request.capacity_range()));
  ASSIGN_OR_RETURN(parsed.parameters, ParseParameters(request.parameters()));
  ASSIGN_OR_RETURN(
      parsed.usage,
      UsageOf(capabilities, parsed.parameters.file_system.value_or(FileSystem::kExt4)));
  parsed.file_system_given = parsed.parameters.file_system || NamesFileSystem(capabilities);
  if (request.has_volume_content_source()) {
    ASSIGN_OR_RETURN(parsed.source, ParseSource(request.volume_content_source()),
                     "volume_content_source");
  }
  ASSIGN_OR_RETURN(parsed.tuning, ParseMutable(request.mutable_parameters()));
  return parsed;
}

Result<StageRequest> Parse(const ::csi::v1::NodeStageVolumeRequest& request) {
  StageRequest parsed{.id = request.volume_id()};
  RETURN_IF_ERROR(CheckVolumeId(parsed.id));
  ASSIGN_OR_RETURN(parsed.staging_path,
                   ParsePath("staging_target_path", request.staging_target_path()));
  ASSIGN_OR_RETURN(parsed.capability,
                   ParseCapability(request.has_volume_capability(), request.volume_capability()));
  const auto passphrase = request.secrets().find("passphrase");
  if (passphrase != request.secrets().end()) parsed.passphrase = passphrase->second;
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

bool IsInline(const ::csi::v1::NodePublishVolumeRequest& request) {
  const auto found = request.volume_context().find("csi.storage.k8s.io/ephemeral");
  return found != request.volume_context().end() && found->second == "true";
}

Result<InlineRequest> ParseInline(const ::csi::v1::NodePublishVolumeRequest& request) {
  InlineRequest parsed{.handle = request.volume_id(), .read_only = request.readonly()};
  if (!InlineVolumes::IsHandle(parsed.handle)) {
    return Fail(Code::kInvalidArgument, "volume_id: want the kubelet's handle of an inline volume");
  }
  ASSIGN_OR_RETURN(parsed.target_path, ParsePath("target_path", request.target_path()));
  ASSIGN_OR_RETURN(parsed.capability,
                   ParseCapability(request.has_volume_capability(), request.volume_capability()));
  StringMap parameters = request.volume_context();
  if (const auto size = parameters.find("size"); size != parameters.end()) {
    ASSIGN_OR_RETURN(parsed.create.capacity.required_bytes, ParseSize(size->second),
                     "volume_context: size");
    parameters.erase(size);
  }
  ASSIGN_OR_RETURN(parsed.create.parameters, ParseParameters(parameters), "volume_context");
  if (parsed.create.parameters.encrypted.value_or(false)) {
    return Fail(Code::kInvalidArgument, "volume_context: encryption: not of an inline volume");
  }
  const FileSystem otherwise = parsed.create.parameters.file_system.value_or(FileSystem::kExt4);
  ASSIGN_OR_RETURN(parsed.create.usage, UsageOf({parsed.capability}, otherwise));
  return parsed;
}

Result<SnapshotRequest> Parse(const ::csi::v1::CreateSnapshotRequest& request) {
  SnapshotRequest parsed{.name = request.name(), .volume_id = request.source_volume_id()};
  RETURN_IF_ERROR(CheckName(parsed.name));
  RETURN_IF_ERROR(CheckVolumeId(parsed.volume_id), "source");
  RETURN_IF_ERROR(CheckSnapshotParameters(request.parameters()));
  return parsed;
}

Result<GroupRequest> Parse(const ::csi::v1::CreateVolumeGroupSnapshotRequest& request) {
  GroupRequest parsed{
      .name = request.name(),
      .volume_ids = {request.source_volume_ids().begin(), request.source_volume_ids().end()}};
  RETURN_IF_ERROR(CheckName(parsed.name));
  if (parsed.volume_ids.empty()) return Fail(Code::kInvalidArgument, "source_volume_ids: missing");
  for (const std::string& id : parsed.volume_ids) {
    RETURN_IF_ERROR(CheckVolumeId(id), "source_volume_ids");
  }
  RETURN_IF_ERROR(CheckSnapshotParameters(request.parameters()));
  return parsed;
}

Result<Use> Parse(const ::csi::v1::ControllerPublishVolumeRequest& request) {
  constexpr size_t kMaxNodeIdBytes = 256;  // CSI spec, "Size Limits"
  RETURN_IF_ERROR(CheckVolumeId(request.volume_id()));
  if (request.node_id().empty() || request.node_id().size() > kMaxNodeIdBytes) {
    return Fail(Code::kInvalidArgument, "node_id: {} bytes, want 1 to {}", request.node_id().size(),
                kMaxNodeIdBytes);
  }
  Use use{.read_only = request.readonly()};
  ASSIGN_OR_RETURN(use.capability,
                   ParseCapability(request.has_volume_capability(), request.volume_capability()));
  return use;
}

Result<PageRequest> Parse(const ::csi::v1::ListVolumesRequest& request) {
  return ParsePage(request, IsVolumeId);
}

Result<PageRequest> Parse(const ::csi::v1::ListSnapshotsRequest& request) {
  return ParsePage(request, IsSnapshotId);
}

Result<PageRequest> Parse(const ::csi::v1::ControllerListVolumeHealthRequest& request) {
  return ParsePage(request, IsVolumeId);
}

}  // namespace trivet::csi
