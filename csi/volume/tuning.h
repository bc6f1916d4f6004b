#pragma once

#include <map>
#include <string>

#include "common/base/error.h"
#include "csi/pool/io_limiter.h"
#include "csi/pool/pools.h"
#include "csi/volume/stores.h"
#include "csi/volume/volume_locks.h"

namespace trivet::csi {

/// Changes the mutable parameters of volumes, and makes the devices of staged ones obey. Any thread
/// may call it; of two calls for one volume the second is refused with kAborted.
class Tuning {
 public:
  /// Borrowed: all four outlive it.
  Tuning(Stores& stores, const Pools& pools, VolumeLocks& locks, const IoLimiter& limiter)
      : stores_(stores), pools_(pools), locks_(locks), limiter_(limiter) {}

  /// Errors: kFailedPrecondition when this node cannot limit and they ask for it.
  [[nodiscard]] Result<> Check(const MutableParameters& parameters) const;

  /// Limits hold at once, the trim policy from the next staging on.
  /// Errors: kNotFound; kInvalidArgument naming the key, kFailedPrecondition as Check: then nothing
  /// is changed.
  Result<> Modify(const std::string& id, const std::map<std::string, std::string>& changes);

  /// Makes the volume's device obey its record. The caller holds the volume's lock.
  [[nodiscard]] Result<> Apply(const VolumeRecord& record, const BlockDevice& device) const;
  /// Takes the limits from a device that is about to be released: its number is used again.
  [[nodiscard]] Result<> Release(const BlockDevice& device) const;
  /// Apply for every staged volume that has limits: after a restart, and now and then where new
  /// control groups must be told (IoLimiter::must_repeat). Logs what fails.
  void ApplyToStaged() const;

 private:
  [[nodiscard]] Result<> ApplyOne(const std::string& id) const;

  Stores& stores_;
  const Pools& pools_;
  VolumeLocks& locks_;
  const IoLimiter& limiter_;
};

}  // namespace trivet::csi
