#include "csi/volume/shown_device.h"

#include "csi/pool/crypt_device.h"

namespace trivet::csi {
namespace {

Result<std::optional<BlockDevice>> FindOwnToLeave(const Pool& pool, const std::string& id) {
  auto found = pool.FindDevice(id);
  if (found || found.error().code() != Code::kUnavailable) return found;
  ASSIGN_OR_RETURN(auto seen, pool.SeeDevice(id));
  if (!seen) return std::nullopt;
  return BlockDevice{std::move(*seen), UniqueFd()};
}

}  // namespace

Result<std::optional<BlockDevice>> FindShown(const Pool& pool, const VolumeRecord& record) {
  if (!record.encryption.wanted) return pool.FindDevice(record.id);
  if (!record.encryption.ready) return std::nullopt;  // whatever is in its container is no volume
  return crypt::Find(record.id);
}

Result<std::optional<BlockDevice>> FindShown(const Pool& pool, const std::string& id) {
  ASSIGN_OR_RETURN(auto mapping, crypt::Find(id));
  if (mapping) return mapping;
  return pool.FindDevice(id);
}

Result<std::optional<DeviceName>> SeeShown(const Pool& pool, const VolumeRecord& record) {
  if (!record.encryption.wanted) return pool.SeeDevice(record.id);
  return FindShown(pool, record);
}

Result<std::optional<DeviceName>> SeeShown(const Pool& pool, const std::string& id) {
  ASSIGN_OR_RETURN(const auto mapping, crypt::Find(id));
  if (mapping) return *mapping;
  return pool.SeeDevice(id);
}

Result<std::optional<BlockDevice>> FindToLeave(const Pool& pool, const std::string& id) {
  ASSIGN_OR_RETURN(auto mapping, crypt::Find(id));
  if (mapping) return mapping;
  return FindOwnToLeave(pool, id);
}

Result<> ReleaseShown(Pool& pool, const std::string& id, BlockDevice shown) {
  ASSIGN_OR_RETURN(auto own, FindOwnToLeave(pool, id));
  const bool is_mapping = !own || own->number != shown.number;
  shown.fd = UniqueFd();  // nothing is let go while it is open here
  if (is_mapping) RETURN_IF_ERROR(crypt::Close(id));
  return own ? pool.Detach(id, std::move(*own)) : Result<>{};
}

Result<> RefreshShown(Pool& pool, const VolumeRecord& record, const BlockDevice& shown) {
  if (!record.encryption.wanted) return pool.Refresh(shown);
  ASSIGN_OR_RETURN(const auto own, pool.FindDevice(record.id));
  if (!own) return Fail(Code::kInternal, "nothing is below its mapping");
  RETURN_IF_ERROR(pool.Refresh(*own));
  return crypt::Resize(record.id);
}

}  // namespace trivet::csi
