#include "csi/volume/stores.h"

namespace trivet::csi {

Result<Stores> Stores::Open(const Paths& paths) {
  ASSIGN_OR_RETURN(VolumeStore volumes, VolumeStore::Open(paths.volumes()));
  ASSIGN_OR_RETURN(SnapshotStore snapshots, SnapshotStore::Open(paths.snapshots()));
  ASSIGN_OR_RETURN(GroupStore groups, GroupStore::Open(paths.groups()));
  ASSIGN_OR_RETURN(AttachmentStore attachments, AttachmentStore::Open(paths.attachments()));
  return Stores{std::move(volumes), std::move(snapshots), std::move(groups),
                std::move(attachments)};
}

}  // namespace trivet::csi
