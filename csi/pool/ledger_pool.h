#pragma once

#include <map>
#include <mutex>
#include <string>

#include "csi/pool/ledger.h"
#include "csi/pool/pool.h"

namespace trivet::csi {

/// A pool whose volumes take from one free space: it counts what was promised to whom, in memory.
/// Thick or thin, a volume's promise is all of its size, so none can meet a full pool later.
class LedgerPool : public Pool {
 public:
  Result<uint64_t> Available() const final;
  Result<Space> Measure() const final;
  Result<> Reserve(const std::string& id, uint64_t size_bytes) final;
  Result<> ReserveCopy(const std::string& source, const std::string& id,
                       const Promise& promise) final;
  void Adopt(const std::string& id, const Promise& promise) final;
  void Release(const std::string& id) final;

 protected:
  /// The storage's own figures; what is promised is left out.
  virtual Result<Space> MeasureStorage() const = 0;
  /// How much of the free space the volume has taken already and shares with no other.
  [[nodiscard]] virtual uint64_t OwnBytes(const std::string& id, bool may_share) const = 0;
  /// Whether `source` may be copied as it is now.
  [[nodiscard]] virtual Result<> CheckCopy(const std::string& /*source*/) const { return {}; }
  /// Whether a snapshot is promised all of its size, since what it shares cannot be told.
  [[nodiscard]] virtual bool counts_snapshots_in_full() const { return false; }
  /// The copy that ReserveCopy was for is made, or was not: from now on it is counted as it is.
  void EndCopy(const std::string& source, const std::string& id);

 private:
  Result<Space> MeasureWithout(const std::string& id) const;  // mutex_ is held
  [[nodiscard]] uint64_t UnwrittenBytes(const std::string& id, const Promise& promise) const;

  mutable std::mutex mutex_;
  std::map<std::string, Promise> promises_;     // guarded by mutex_
  std::map<std::string, std::string> copying_;  // guarded by mutex_; copy being made -> source
};

}  // namespace trivet::csi
