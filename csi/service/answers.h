#pragma once

#include <google/protobuf/timestamp.pb.h>

#include "csi/volume/health.h"
#include "csi/volume/snapshot_record.h"
#include "proto/csi/csi.pb.h"

/// What several answers hold.
namespace trivet::csi {

::google::protobuf::Timestamp TimestampOf(int64_t unix_nanos);

void Describe(const SnapshotRecord& record, ::csi::v1::Snapshot& snapshot);

void Describe(const std::string& volume_id, const VolumeHealth& health,
              ::csi::v1::VolumeHealth& answer);

}  // namespace trivet::csi
