#include "csi/volume/node_publications.h"

#include <algorithm>

namespace trivet::csi {

Result<> NodePublications::Publish(const std::string& id, const Use& use) {
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  ASSIGN_OR_RETURN(VolumeRecord record, records_.Find(id));
  if (record.deleting) return Fail(Code::kNotFound, "volume {}: is being deleted", id);
  if (record.filling) return Fail(Code::kAborted, "volume {}: its creation is not finished", id);
  if (const auto why = Mismatch(record.usage, use.capability)) {
    return Fail(Code::kInvalidArgument, "volume {}: {}", id, *why);
  }
  if (record.published == use) return {};
  if (record.published) {
    return Fail(Code::kAlreadyExists,
                "volume {}: it is published as {}, or with another capability", id,
                record.published->read_only ? "readonly" : "writable");
  }
  const std::lock_guard counting(counting_);
  RETURN_IF_ERROR(CheckRoom(), fmt::format("volume {}", id));
  record.published = use;
  return records_.Put(record);
}

// counting_ is held.
Result<> NodePublications::CheckRoom() const {
  if (max_volumes_ == 0) return {};
  const auto all = records_.All();
  const auto published = std::ranges::count_if(
      all, [](const VolumeRecord& record) { return record.published.has_value(); });
  if (static_cast<uint64_t>(published) < max_volumes_) return {};
  return Fail(Code::kResourceExhausted,
              "{} volumes are published to this node, as many as it may have", published);
}

Result<> NodePublications::Unpublish(const std::string& id) {
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  auto record = records_.Find(id);
  if (!record && record.error().code() == Code::kNotFound) return {};
  RETURN_IF_ERROR(record);
  if (!record->published) return {};
  record->published.reset();
  return records_.Put(*record);
}

}  // namespace trivet::csi
