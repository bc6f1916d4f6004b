#include "csi/volume/still_volume.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "csi/filesystem/mount_table.h"
#include "csi/volume/shown_device.h"

namespace trivet::csi {

Result<StillVolume> StillVolume::Hold(const Pool& pool, AttachmentStore& attachments,
                                      const std::string& id) {
  const std::string step = fmt::format("volume {}", id);
  StillVolume still(id);
  ASSIGN_OR_RETURN(const auto device, FindShown(pool, id), step);
  if (!device) return still;
  ASSIGN_OR_RETURN(const MountTable table, MountTable::Read(), step);
  const auto mounted = std::ranges::find(table.entries(), device->number, &MountEntry::device);
  if (mounted != table.entries().end()) {
    RETURN_IF_ERROR(still.Freeze(attachments, mounted->target), step);
  } else if (::fsync(device->fd.get()) != 0) {
    return FailErrno("{}: write out the cache of {}", step, device->path.native());
  }
  return still;
}

// The intent first: a process that dies with the file system frozen leaves a pod
// that hangs.
Result<> StillVolume::Freeze(AttachmentStore& attachments, const std::filesystem::path& target) {
  Attachment attachment = attachments.Of(id_);
  attachment.frozen = true;
  RETURN_IF_ERROR(attachments.Put(id_, attachment));
  marked_in_ = &attachments;
  ASSIGN_OR_RETURN(FrozenFileSystem frozen, FrozenFileSystem::Freeze(target));
  frozen_.emplace(std::move(frozen));
  return {};
}

StillVolume::~StillVolume() {
  frozen_.reset();
  if (marked_in_ == nullptr) return;
  Attachment attachment = marked_in_->Of(id_);
  attachment.frozen = false;
  if (auto written = marked_in_->Put(id_, attachment); !written) {
    spdlog::error("not recorded as thawed volume={} reason=\"{}\"", id_, written.error().message());
  }
}

}  // namespace trivet::csi
