#include "csi/volume/copy_plan.h"

#include <algorithm>

#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

// A file system is not given out raw, nor the other way round: the workload of one
// kind would destroy what it cannot see.
Result<Usage> UsageOfCopy(const CreateRequest& request, const CopySource& source) {
  Usage usage = request.usage;
  if (!request.file_system_given) usage.file_system = source.usage.file_system;
  switch (source.content) {
    case Content::kNeverFormatted:
      return usage;
    case Content::kRaw:
      if (!usage.mount) return usage;
      return Fail(Code::kInvalidArgument, "it was used as a block device");
    case Content::kFormatting:
    case Content::kReady:
      break;
  }
  if (usage.block) return Fail(Code::kInvalidArgument, "it holds a file system");
  if (usage.file_system == source.usage.file_system) return usage;
  return Fail(Code::kInvalidArgument, "its file system is {}, not {}",
              NameOf(source.usage.file_system), NameOf(usage.file_system));
}

}  // namespace

Result<CopySource> FindSource(const Stores& stores, const ContentSource& source) {
  if (source.is_snapshot) {
    ASSIGN_OR_RETURN(const SnapshotRecord found, stores.snapshots.Find(source.id));
    if (!found.cut || found.deleting) {
      return Fail(Code::kNotFound, "snapshot {}: is being made or deleted", source.id);
    }
    return CopySource{found.pool,    found.size_bytes,       found.usage,
                      found.content, found.file_system_uuid, found.encryption};
  }
  ASSIGN_OR_RETURN(const VolumeRecord found, stores.volumes.Find(source.id));
  if (found.deleting) return Fail(Code::kNotFound, "volume {}: is being deleted", source.id);
  if (found.filling) return Fail(Code::kAborted, "volume {}: is being made", source.id);
  return CopySource{found.pool,    found.size_bytes,       found.usage,
                    found.content, found.file_system_uuid, found.encryption};
}

Result<VolumeRecord> PlanCopy(const CreateRequest& request, const CopySource& source,
                              const Pool& pool) {
  const std::string step = fmt::format("volume_content_source: {}", request.source->id);
  if (!request.parameters.pool.empty() && request.parameters.pool != source.pool) {
    return Fail(Code::kInvalidArgument, "{}: it is in pool {}, blocks are shared within a pool",
                step, source.pool);
  }
  if (request.parameters.encrypted.value_or(source.encryption.wanted) != source.encryption.wanted) {
    return Fail(Code::kInvalidArgument, "{}: it is {}encrypted, and a copy is as its source", step,
                source.encryption.wanted ? "" : "not ");
  }
  ASSIGN_OR_RETURN(const Usage usage, UsageOfCopy(request, source), step);
  if (request.capacity.limit_bytes != 0 && request.capacity.limit_bytes < source.size_bytes) {
    return Fail(Code::kOutOfRange, "capacity_range: limit_bytes {} is below the source's {}",
                request.capacity.limit_bytes, source.size_bytes);
  }
  CapacityRange range = request.capacity;
  range.required_bytes = std::max(range.required_bytes, source.size_bytes);
  ASSIGN_OR_RETURN(const uint64_t size_bytes, pool.SizeFor(range, usage));
  ASSIGN_OR_RETURN(const Provisioning provisioning,
                   ChooseProvisioning(pool, request.parameters.provisioning));
  return VolumeRecord{.id = VolumeIdOf(request.name),
                      .name = request.name,
                      .pool = source.pool,
                      .size_bytes = size_bytes,
                      .provisioning = provisioning,
                      .usage = usage,
                      .content = source.content,
                      .file_system_uuid = source.file_system_uuid,
                      .encryption = source.encryption,
                      .tuning = request.tuning,
                      .source = request.source,
                      .filling = true};
}

}  // namespace trivet::csi
