#include "csi/pool/ledger_pool.h"

#include <algorithm>

namespace trivet::csi {
namespace {

// Whether the pool can give `wanted` bytes to one more promise of `size_bytes`.
Result<> CheckRoom(const Space& space, uint64_t wanted, uint64_t size_bytes) {
  const uint64_t available = AvailableBytes(space);
  const bool over_limit =
      space.limit_bytes != 0 && space.promised_bytes + size_bytes > space.limit_bytes;
  if (wanted <= available && !over_limit) return {};
  return Fail(Code::kResourceExhausted, "{} bytes wanted, {} available{}", wanted, available,
              space.note.empty() ? "" : ": " + space.note);
}

}  // namespace

Result<Space> LedgerPool::MeasureWithout(const std::string& id) const {
  ASSIGN_OR_RETURN(Space space, MeasureStorage());
  for (const auto& [other, promise] : promises_) {
    if (other == id) continue;
    space.promised_bytes += promise.size_bytes;
    space.unwritten_bytes += UnwrittenBytes(other, promise);
  }
  return space;
}

// What the volume may still take from the free space: what it has not allocated,
// and what it shares, which is copied when it is written. mutex_ is held.
uint64_t LedgerPool::UnwrittenBytes(const std::string& id, const Promise& promise) const {
  if (promise.is_snapshot && !counts_snapshots_in_full()) return 0;
  const bool is_copied = std::ranges::any_of(
      copying_, [&](const auto& copy_and_source) { return copy_and_source.second == id; });
  if (is_copied) return promise.size_bytes;
  const uint64_t own_bytes = OwnBytes(id, promise.may_share);
  return promise.size_bytes > own_bytes ? promise.size_bytes - own_bytes : 0;
}

Result<Space> LedgerPool::Measure() const {
  const std::lock_guard lock(mutex_);
  return MeasureWithout("");
}

Result<uint64_t> LedgerPool::Available() const {
  ASSIGN_OR_RETURN(const Space space, Measure());
  return AvailableBytes(space);
}

Result<> LedgerPool::Reserve(const std::string& id, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const Space space, MeasureWithout(id));
  const auto known = promises_.find(id);
  Promise promise = known == promises_.end() ? Promise{} : known->second;
  promise.size_bytes = size_bytes;
  // What the volume has taken already is its own.
  RETURN_IF_ERROR(CheckRoom(space, UnwrittenBytes(id, promise), size_bytes), "pool " + name());
  promises_[id] = promise;
  return {};
}

Result<> LedgerPool::ReserveCopy(const std::string& source, const std::string& id,
                                 const Promise& promise) {
  RETURN_IF_ERROR(CheckCopy(source));
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const Space space, MeasureWithout(id));
  const auto found = promises_.find(source);
  uint64_t wanted = UnwrittenBytes(id, promise);
  if (found != promises_.end() && !found->second.is_snapshot) {
    wanted += found->second.size_bytes - UnwrittenBytes(source, found->second);
  }
  RETURN_IF_ERROR(CheckRoom(space, wanted, promise.size_bytes), "pool " + name());
  promises_[id] = promise;
  copying_[id] = source;
  return {};
}

void LedgerPool::Adopt(const std::string& id, const Promise& promise) {
  const std::lock_guard lock(mutex_);
  const bool shared_before = promises_[id].may_share;
  promises_[id] = promise;
  promises_[id].may_share |= shared_before;
}

void LedgerPool::Release(const std::string& id) {
  const std::lock_guard lock(mutex_);
  promises_.erase(id);
  copying_.erase(id);
}

void LedgerPool::EndCopy(const std::string& source, const std::string& id) {
  const std::lock_guard lock(mutex_);
  copying_.erase(id);
  if (const auto found = promises_.find(source); found != promises_.end()) {
    found->second.may_share = true;
  }
}

}  // namespace trivet::csi
