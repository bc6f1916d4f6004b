#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/file.h"
#include "csi/pool/extents.h"
#include "csi/pool/ledger.h"
#include "csi/pool/loop_device.h"
#include "csi/volume/capacity.h"
#include "csi/volume/record.h"

namespace trivet::csi {

/// What a volume or snapshot may come to need of its pool.
struct Promise {
  uint64_t size_bytes = 0;
  bool is_snapshot = false;  // never written, so it needs no more than it has
  bool may_share = false;    // blocks with others: what it has allocated is not all its own
};

/// Where volumes' bytes live: the back end that the rest of the driver sees. It
/// knows ids and sizes, nothing of file systems, paths of pods or requests. An id
/// is a volume's or a snapshot's; a snapshot has bytes, and never a device.
///
/// Any thread may call it; the caller holds the lock of each id that a call names.
/// Every call is repeatable.
class Pool {
 public:
  virtual ~Pool() = default;

  [[nodiscard]] virtual const std::string& name() const = 0;
  /// The only provisioning its volumes can have; none: they can have either.
  [[nodiscard]] virtual std::optional<Provisioning> only_provisioning() const = 0;
  /// Whether Remove overwrites the bytes, which takes as long as that takes.
  [[nodiscard]] virtual bool wipes() const { return false; }
  /// Whether a volume can become larger than it was made.
  [[nodiscard]] virtual bool can_grow() const { return true; }
  /// Whether records on `file_system` need no sync before a change here: Allocate, Copy and Remove,
  /// when they change anything, are not durable before what was done there earlier, and make that
  /// durable, too; and a sync there makes them durable. Source: KeepsOrder in write_order.h.
  [[nodiscard]] virtual bool KeepsOrderWith(dev_t /*file_system*/) const { return false; }
  /// What sizes are multiples of.
  [[nodiscard]] virtual uint64_t unit_bytes() const { return kSectorBytes; }
  /// The size that a volume for this request would have. Errors: kOutOfRange when the range holds
  /// no such size; kResourceExhausted when the storage comes in pieces, and none that fits is free.
  [[nodiscard]] virtual Result<uint64_t> SizeFor(const CapacityRange& range,
                                                 const Usage& usage) const {
    return ChooseSize(range, usage, unit_bytes());
  }

  /// The largest volume that could be created now, in bytes: what is free, less
  /// what is promised to other volumes and not yet taken, less the headroom.
  virtual Result<uint64_t> Available() const = 0;

  /// All its figures. Errors: its storage cannot be reached.
  virtual Result<Space> Measure() const = 0;

  /// Sets `size_bytes` aside for the volume, in memory only; again with another
  /// size changes it. Errors: kResourceExhausted, with both figures.
  virtual Result<> Reserve(const std::string& id, uint64_t size_bytes) = 0;
  /// Sets aside what the volume or snapshot `id`, a copy of `source`, needs, and
  /// what a volume `source` then needs again to overwrite the blocks it shares.
  /// Errors: kResourceExhausted, with both figures; kFailedPrecondition when the source is in use
  /// and sharing its blocks would hold up its users for longer than the pool's limit says. Then
  /// nothing is set aside.
  virtual Result<> ReserveCopy(const std::string& source, const std::string& id,
                               const Promise& promise) = 0;
  /// As Reserve for what exists already: never refused. What shared blocks before
  /// goes on sharing them.
  virtual void Adopt(const std::string& id, const Promise& promise) = 0;
  virtual void Release(const std::string& id) = 0;

  /// Makes the volume's bytes, all zero, or grows them to record.size_bytes;
  /// never shrinks. Durable when it returns.
  /// Errors: kResourceExhausted, and then nothing of the new space is kept.
  virtual Result<> Allocate(const VolumeRecord& record) = 0;
  /// Whether Copy works: the storage can share blocks.
  [[nodiscard]] virtual bool can_copy() const = 0;
  /// Makes `id` with the bytes that `source` has now, sharing its blocks. It is
  /// there whole and durable, or not at all; one that is there already is taken
  /// for the result. kLater: only what KeepsOrderWith says is asked for.
  /// Errors: kUnimplemented when the pool cannot.
  virtual Result<> Copy(const std::string& source, const std::string& id, Sync when) = 0;
  /// The size of the volume's bytes; none when there are none.
  virtual Result<std::optional<uint64_t>> SizeOf(const std::string& id) const = 0;
  /// The volume's bytes, to read; what a device of it wrote is there. None when they can be seen
  /// only while a device shows them.
  virtual Result<std::optional<UniqueFd>> OpenBytes(const std::string& id) const = 0;
  /// Where a snapshot's bytes are, as far as they were ever written. What two snapshots of one
  /// volume share has the same place in both. Errors: kUnimplemented when the pool cannot tell.
  virtual Result<std::vector<Extent>> Written(const std::string& id) const = 0;
  /// Frees the volume's bytes. Absent is success. The caller has made sure that
  /// no device shows them.
  virtual Result<> Remove(const std::string& id) = 0;
  /// The ids of all volumes and snapshots that have bytes here.
  virtual Result<std::vector<std::string>> List() const = 0;
  /// Those of them that may have a device, found by one look at all devices where that is possible.
  virtual Result<std::vector<std::string>> ListAttached() const { return List(); }

  /// The device that shows the volume; none when it is not attached.
  virtual Result<std::optional<BlockDevice>> FindDevice(const std::string& id) const = 0;
  /// As FindDevice, for one who only wants to know which device it is.
  virtual Result<std::optional<DeviceName>> SeeDevice(const std::string& id) const {
    return FindDevice(id);
  }
  /// Makes one. The caller has made sure that there is none.
  virtual Result<BlockDevice> Attach(const std::string& id, const AttachOptions& options) = 0;
  /// The device is closed meanwhile: some are not let go while anybody has them open.
  virtual Result<> Detach(const std::string& id, BlockDevice device) = 0;
  /// Makes the device as large as the volume is now.
  virtual Result<> Refresh(const BlockDevice& device) = 0;
};

/// How a record is to be synced that a change of the pool follows.
inline Sync SyncBeforeChange(const Pool& pool, dev_t records) {
  return pool.KeepsOrderWith(records) ? Sync::kLater : Sync::kNow;
}

/// As SyncBeforeChange, of the record of `id`, which is to be removed: what is gone already is not
/// changed by that.
inline Result<Sync> SyncBeforeRemoval(const Pool& pool, const std::string& id, dev_t records) {
  if (!pool.KeepsOrderWith(records)) return Sync::kNow;
  ASSIGN_OR_RETURN(const auto size_bytes, pool.SizeOf(id));
  return size_bytes ? Sync::kLater : Sync::kNow;
}

}  // namespace trivet::csi
