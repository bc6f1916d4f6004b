#include "csi/service/controller_service.h"

#include <vector>

#include "common/rpc/status.h"
#include "csi/service/fields.h"
#include "csi/service/plugin.h"
#include "csi/service/requests.h"

namespace trivet::csi {
namespace {

using Rpc = ::csi::v1::ControllerServiceCapability::RPC;

std::vector<Rpc::Type> ControllerClaims(const Offer& offer) {
  std::vector<Rpc::Type> capabilities = {Rpc::CREATE_DELETE_VOLUME, Rpc::LIST_VOLUMES,
                                         Rpc::GET_CAPACITY,         Rpc::GET_VOLUME,
                                         Rpc::MODIFY_VOLUME,        Rpc::SINGLE_NODE_MULTI_WRITER};
  if (offer.grows) capabilities.push_back(Rpc::EXPAND_VOLUME);
  if (offer.level >= SpecLevel::k1_13) {
    capabilities.insert(capabilities.end(), {Rpc::GET_VOLUME_HEALTH, Rpc::LIST_VOLUME_HEALTH});
  }
  if (offer.attach) {
    capabilities.insert(capabilities.end(), {Rpc::PUBLISH_UNPUBLISH_VOLUME, Rpc::PUBLISH_READONLY,
                                             Rpc::LIST_VOLUMES_PUBLISHED_NODES});
  }
  if (!offer.copies) return capabilities;
  capabilities.insert(capabilities.end(),
                      {Rpc::CREATE_DELETE_SNAPSHOT, Rpc::LIST_SNAPSHOTS, Rpc::CLONE_VOLUME});
  if (offer.level >= SpecLevel::k1_12) capabilities.push_back(Rpc::GET_SNAPSHOT);
  return capabilities;
}

// Why the volume does not have all that is asked about; nothing when it does.
std::optional<std::string> WhyNot(const VolumeRecord& record,
                                  const ::csi::v1::ValidateVolumeCapabilitiesRequest& request) {
  for (const auto& asked : request.volume_capabilities()) {
    const auto capability = ParseCapability(asked);
    if (!capability) return capability.error().message();
    if (auto why = Mismatch(record.usage, *capability)) return why;
  }
  const auto mutable_parameters = ParseMutable(request.mutable_parameters());
  if (!mutable_parameters) return mutable_parameters.error().message();
  if (!request.volume_context().empty()) return "volume_context: the volume has none";
  if (request.parameters().empty()) return std::nullopt;
  const auto parameters = ParseParameters(request.parameters());
  if (!parameters) return parameters.error().message();
  if (!parameters->pool.empty() && parameters->pool != record.pool) {
    return fmt::format("parameters: pool: it is in {}", record.pool);
  }
  if (parameters->encrypted.value_or(record.encryption.wanted) != record.encryption.wanted) {
    return fmt::format("parameters: encryption: it is {}encrypted",
                       record.encryption.wanted ? "" : "not ");
  }
  if (parameters->provisioning && parameters->provisioning != record.provisioning) {
    return fmt::format("parameters: provisioning: it is {}", NameOf(record.provisioning));
  }
  return std::nullopt;
}

// The usage that GetCapacity asks about; none when no volume of ours can have it.
std::optional<Usage> UsageAsked(const ::csi::v1::GetCapacityRequest& request,
                                const Parameters& parameters) {
  if (request.volume_capabilities().empty()) return Usage{.block = true};
  const auto capabilities = ParseCapabilities(request.volume_capabilities());
  if (!capabilities) return std::nullopt;
  const auto usage = UsageOf(*capabilities, parameters.file_system.value_or(FileSystem::kExt4));
  if (!usage) return std::nullopt;
  return *usage;
}

}  // namespace

void Describe(const Offer& offer, ::csi::v1::ControllerGetCapabilitiesResponse& response) {
  for (const auto capability : ControllerClaims(offer)) {
    response.add_capabilities()->mutable_rpc()->set_type(capability);
  }
}

void ControllerService::Fill(const VolumeRecord& record, ::csi::v1::Volume& volume) const {
  volume.set_volume_id(record.id);
  volume.set_capacity_bytes(static_cast<int64_t>(record.size_bytes));
  *volume.add_accessible_topology() = TopologyOf(place_.node_id);
  if (!record.source) return;
  auto& source = *volume.mutable_content_source();
  if (record.source->is_snapshot) {
    source.mutable_snapshot()->set_snapshot_id(record.source->id);
  } else {
    source.mutable_volume()->set_volume_id(record.source->id);
  }
}

grpc::Status ControllerService::CreateVolume(grpc::ServerContext* /*context*/,
                                             const ::csi::v1::CreateVolumeRequest* request,
                                             ::csi::v1::CreateVolumeResponse* response) {
  return rpc::Handle("CreateVolume", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const CreateRequest create, Parse(*request), "request");
    RETURN_IF_ERROR(CheckTopology(request->accessibility_requirements(), place_));
    RETURN_IF_ERROR(parts_.tuning.Check(create.tuning), "request");
    ASSIGN_OR_RETURN(const VolumeRecord record, parts_.provisioner.Create(create));
    Fill(record, *response->mutable_volume());
    return {};
  });
}

grpc::Status ControllerService::DeleteVolume(grpc::ServerContext* /*context*/,
                                             const ::csi::v1::DeleteVolumeRequest* request,
                                             ::csi::v1::DeleteVolumeResponse* /*response*/) {
  return rpc::Handle("DeleteVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    return parts_.provisioner.Delete(request->volume_id());
  });
}

grpc::Status ControllerService::ValidateVolumeCapabilities(
    grpc::ServerContext* /*context*/, const ::csi::v1::ValidateVolumeCapabilitiesRequest* request,
    ::csi::v1::ValidateVolumeCapabilitiesResponse* response) {
  return rpc::Handle("ValidateVolumeCapabilities", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    if (request->volume_capabilities().empty()) {
      return Fail(Code::kInvalidArgument, "request: volume_capabilities: missing");
    }
    ASSIGN_OR_RETURN(const VolumeRecord record, parts_.provisioner.Find(request->volume_id()));
    if (const auto why = WhyNot(record, *request)) {
      response->set_message(*why);
      return {};
    }
    auto& confirmed = *response->mutable_confirmed();
    *confirmed.mutable_volume_capabilities() = request->volume_capabilities();
    *confirmed.mutable_parameters() = request->parameters();
    *confirmed.mutable_mutable_parameters() = request->mutable_parameters();
    return {};
  });
}

grpc::Status ControllerService::ListVolumes(grpc::ServerContext* /*context*/,
                                            const ::csi::v1::ListVolumesRequest* request,
                                            ::csi::v1::ListVolumesResponse* response) {
  return rpc::Handle("ListVolumes", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const PageRequest page_request, Parse(*request), "request");
    const VolumePage page = parts_.provisioner.List(page_request.first_id, page_request.count);
    for (const VolumeRecord& record : page.volumes) {
      auto& entry = *response->add_entries();
      Fill(record, *entry.mutable_volume());
      if (record.published) entry.mutable_status()->add_published_node_ids(place_.node_id);
    }
    response->set_next_token(page.next_id);
    return {};
  });
}

grpc::Status ControllerService::GetCapacity(grpc::ServerContext* /*context*/,
                                            const ::csi::v1::GetCapacityRequest* request,
                                            ::csi::v1::GetCapacityResponse* response) {
  return rpc::Handle("GetCapacity", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const Parameters parameters, ParseParameters(request->parameters()),
                     "request");
    const auto usage = UsageAsked(*request, parameters);
    if (!usage || !Matches(request->accessible_topology(), place_)) return {};
    // A pool that other nodes have, and this one not, has nothing here.
    const auto available = parts_.provisioner.Available(parameters);
    if (!available && available.error().code() == Code::kResourceExhausted) return {};
    RETURN_IF_ERROR(available);
    const uint64_t minimum = MinimumBytesOf(*usage);
    const uint64_t largest = *available < minimum ? 0 : *available;
    response->set_available_capacity(static_cast<int64_t>(largest));
    response->mutable_maximum_volume_size()->set_value(static_cast<int64_t>(largest));
    response->mutable_minimum_volume_size()->set_value(static_cast<int64_t>(minimum));
    return {};
  });
}

grpc::Status ControllerService::ControllerGetCapabilities(
    grpc::ServerContext* /*context*/,
    const ::csi::v1::ControllerGetCapabilitiesRequest* /*request*/,
    ::csi::v1::ControllerGetCapabilitiesResponse* response) {
  return rpc::Handle("ControllerGetCapabilities", [&]() -> Result<> {
    Describe(offer_, *response);
    return {};
  });
}

grpc::Status ControllerService::ControllerExpandVolume(
    grpc::ServerContext* /*context*/, const ::csi::v1::ControllerExpandVolumeRequest* request,
    ::csi::v1::ControllerExpandVolumeResponse* response) {
  return rpc::Handle("ControllerExpandVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    if (!request->has_capacity_range()) {
      return Fail(Code::kInvalidArgument, "request: capacity_range: missing");
    }
    ASSIGN_OR_RETURN(const CapacityRange range, ParseRange(request->capacity_range()), "request");
    if (request->has_volume_capability()) {
      RETURN_IF_ERROR(ParseCapability(request->volume_capability()), "request");
    }
    ASSIGN_OR_RETURN(const VolumeRecord record,
                     parts_.provisioner.Grow(request->volume_id(), range));
    response->set_capacity_bytes(static_cast<int64_t>(record.size_bytes));
    // The node's half makes device and file system follow.
    response->set_node_expansion_required(true);
    return {};
  });
}

grpc::Status ControllerService::ControllerGetVolume(
    grpc::ServerContext* /*context*/, const ::csi::v1::ControllerGetVolumeRequest* request,
    ::csi::v1::ControllerGetVolumeResponse* response) {
  return rpc::Handle("ControllerGetVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    ASSIGN_OR_RETURN(const VolumeRecord record,
                     parts_.provisioner.FindSettled(request->volume_id()));
    Fill(record, *response->mutable_volume());
    auto& status = *response->mutable_status();
    if (record.published) status.add_published_node_ids(place_.node_id);
    return {};
  });
}

}  // namespace trivet::csi
