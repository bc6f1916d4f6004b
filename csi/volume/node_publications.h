#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "common/base/error.h"
#include "csi/volume/stores.h"
#include "csi/volume/use.h"
#include "csi/volume/volume_locks.h"

namespace trivet::csi {

/// The controller's word that a volume may be used on its node, and how. It is a
/// field of the volume's record: no device is made by it. Any thread may call it;
/// of two calls for one volume the second is refused with kAborted.
class NodePublications {
 public:
  /// Borrowed: both outlive it. `max_volumes` may be published at a time; 0 = any number.
  NodePublications(Stores& stores, VolumeLocks& locks, uint64_t max_volumes)
      : records_(stores.volumes), locks_(locks), max_volumes_(max_volumes) {}

  /// Errors: kNotFound; kInvalidArgument when the volume cannot be used so;
  /// kAlreadyExists when it is published otherwise; kResourceExhausted when the
  /// node has as many as it may.
  Result<> Publish(const std::string& id, const Use& use);

  /// A volume that is unknown or not published is success.
  Result<> Unpublish(const std::string& id);

 private:
  [[nodiscard]] Result<> CheckRoom() const;

  VolumeStore& records_;
  VolumeLocks& locks_;
  const uint64_t max_volumes_;
  std::mutex counting_;  // held from the count to the record that changes it
};

}  // namespace trivet::csi
