#pragma once

#include <string>

#include "common/base/error.h"
#include "csi/volume/provisioner.h"

namespace trivet::csi {

/// What a new volume takes over from the snapshot or volume it is copied from.
struct CopySource {
  std::string pool;
  uint64_t size_bytes = 0;
  Usage usage;
  Content content = Content::kNeverFormatted;
  std::string file_system_uuid;
  Encryption encryption;
};

/// Errors: kNotFound; kAborted for one that is being made.
Result<CopySource> FindSource(const Stores& stores, const ContentSource& source);

/// The record of the volume that `request` makes of `source`, in `pool`, not filled yet.
/// Errors: kInvalidArgument when the source's content cannot be used as asked or
/// the pool is another one; kOutOfRange when the limit is below the source's size.
Result<VolumeRecord> PlanCopy(const CreateRequest& request, const CopySource& source,
                              const Pool& pool);

}  // namespace trivet::csi
