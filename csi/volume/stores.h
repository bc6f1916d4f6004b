#pragma once

#include "common/base/error.h"
#include "csi/paths.h"
#include "csi/volume/attachment_store.h"
#include "csi/volume/record_store.h"

namespace trivet::csi {

/// All that the driver keeps on disk.
struct Stores {
  VolumeStore volumes;
  SnapshotStore snapshots;
  GroupStore groups;
  AttachmentStore attachments;

  static Result<Stores> Open(const Paths& paths);
};

}  // namespace trivet::csi
