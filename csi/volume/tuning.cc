#include "csi/volume/tuning.h"

#include <spdlog/spdlog.h>

#include "csi/volume/shown_device.h"

namespace trivet::csi {

Result<> Tuning::Check(const MutableParameters& parameters) const {
  if (!parameters.limits.any() || limiter_.can_limit()) return {};
  return Fail(Code::kFailedPrecondition,
              "mutable_parameters: this node has no io (cgroup v2) or blkio (v1) controller to "
              "limit the speed with");
}

Result<> Tuning::Modify(const std::string& id, const std::map<std::string, std::string>& changes) {
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  ASSIGN_OR_RETURN(VolumeRecord record, stores_.volumes.Find(id));
  if (record.deleting) return Fail(Code::kNotFound, "volume {}: is being deleted", id);
  const std::string step = fmt::format("volume {}: modify", id);
  ASSIGN_OR_RETURN(record.tuning, Changed(record.tuning, changes), step);
  RETURN_IF_ERROR(Check(record.tuning), step);
  RETURN_IF_ERROR(stores_.volumes.Put(record), step);
  return ApplyOne(id);
}

Result<> Tuning::ApplyOne(const std::string& id) const {
  ASSIGN_OR_RETURN(const VolumeRecord record, stores_.volumes.Find(id));
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Of(record));
  ASSIGN_OR_RETURN(const auto device, FindShown(*pool, record), fmt::format("volume {}", id));
  return device ? Apply(record, *device) : Result<>{};
}

Result<> Tuning::Apply(const VolumeRecord& record, const BlockDevice& device) const {
  return limiter_.Apply(device.number, record.tuning.limits);
}

Result<> Tuning::Release(const BlockDevice& device) const {
  return limiter_.Apply(device.number, {});
}

void Tuning::ApplyToStaged() const {
  for (const VolumeRecord& record : stores_.volumes.All()) {
    if (!record.tuning.limits.any() || !stores_.attachments.Of(record.id).staging) continue;
    const auto guard = locks_.TryLock(record.id);
    if (!guard) continue;  // who holds it applies them
    if (auto applied = ApplyOne(record.id); !applied) {
      spdlog::error("not limited volume={} reason=\"{}\"", record.id, applied.error().message());
    }
  }
}

}  // namespace trivet::csi
