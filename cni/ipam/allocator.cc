#include "cni/ipam/allocator.h"

#include <algorithm>

namespace trivet::cni {
namespace {

// Walks a set's addresses from the one after `start`, once around, in range order.
class RoundRobin {
 public:
  RoundRobin(const RangeSet& set, const std::optional<IpAddress>& start) : set_(set) {
    for (size_t i = 0; start && i < set.size(); ++i) {
      if (!set[i].Contains(*start)) continue;
      range_ = i;
      next_ = *start;
      Advance();
    }
    first_ = next_;
  }

  /// The next candidate; none after a whole round.
  std::optional<IpAddress> Next() {
    while (!(started_ && next_ == first_)) {
      started_ = true;
      const IpAddress candidate = next_;
      const bool gateway = candidate == set_[range_].gateway;
      Advance();
      if (!gateway) return candidate;
    }
    return std::nullopt;
  }

 private:
  void Advance() {
    if (next_ != set_[range_].last) {
      next_ = next_.Next();
      return;
    }
    range_ = (range_ + 1) % set_.size();
    next_ = set_[range_].first;
  }

  const RangeSet& set_;
  size_t range_ = 0;
  IpAddress next_ = set_.front().first;
  IpAddress first_;
  bool started_ = false;
};

IpConfig MakeIpConfig(const IpAddress& address, const Range& range) {
  return {.address = {address, range.subnet.length}, .gateway = range.gateway, .interface = {}};
}

Result<IpConfig> TakeRequested(ReservationStore& store, const Range& range,
                               const IpAddress& address, const Owner& owner) {
  if (address == range.gateway) {
    return Fail(Code::kInvalidArgument, "requested address {} is the gateway", address.ToString());
  }
  ASSIGN_OR_RETURN(const bool reserved, store.Reserve(address, owner));
  if (!reserved) {
    return Fail(Code::kAlreadyExists, "requested address {} is in use", address.ToString());
  }
  return MakeIpConfig(address, range);
}

// The next one is free but in a pool that is nearly full: then one look at all the names is less
// work than a look at each file.
constexpr int kLooks = 16;

Result<IpConfig> TakeNext(ReservationStore& store, const RangeSet& set, size_t index,
                          const Owner& owner) {
  RoundRobin candidates(set, store.LastReserved(index));
  std::vector<IpAddress> used;
  int looks = 0;
  while (const auto candidate = candidates.Next()) {
    if (looks++ == kLooks) {
      ASSIGN_OR_RETURN(used, store.ListAddresses());
    }
    if (std::binary_search(used.begin(), used.end(), *candidate)) continue;
    ASSIGN_OR_RETURN(const bool reserved, store.Reserve(*candidate, owner));
    if (!reserved) continue;
    store.SetLastReserved(index, *candidate);
    return MakeIpConfig(*candidate, *FindRange(set, *candidate));
  }
  return Fail(Code::kResourceExhausted, "no address is left in {}", Describe(set));
}

Result<> AllocateEach(ReservationStore& store, const std::vector<RangeSet>& sets,
                      std::vector<IpAddress> requested, const Owner& owner,
                      std::vector<IpConfig>& taken) {
  for (size_t i = 0; i < sets.size(); ++i) {
    const auto wish =
        std::find_if(requested.begin(), requested.end(),
                     [&](const IpAddress& address) { return FindRange(sets[i], address); });
    if (wish == requested.end()) {
      ASSIGN_OR_RETURN(const IpConfig next, TakeNext(store, sets[i], i, owner));
      taken.push_back(next);
      continue;
    }
    ASSIGN_OR_RETURN(const IpConfig wished,
                     TakeRequested(store, *FindRange(sets[i], *wish), *wish, owner));
    taken.push_back(wished);
    requested.erase(wish);
  }
  if (requested.empty()) return {};
  return Fail(Code::kInvalidArgument,
              "failed to allocate all requested IPs: {} is in no range that has one to give",
              requested.front().ToString());
}

}  // namespace

std::string Describe(const RangeSet& set) {
  std::string text;
  for (const Range& range : set) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{}-{}", range.first.ToString(), range.last.ToString());
  }
  return text;
}

uint64_t CountFree(const RangeSet& set, const std::vector<IpAddress>& used) {
  uint64_t capacity = 0;
  for (const Range& range : set) capacity += range.Capacity();
  const auto taken =
      static_cast<uint64_t>(std::count_if(used.begin(), used.end(), [&](const IpAddress& address) {
        const auto range = FindRange(set, address);
        return range && address != range->gateway;
      }));
  return capacity - std::min(capacity, taken);
}

Result<std::vector<IpConfig>> Allocate(ReservationStore& store, const std::vector<RangeSet>& sets,
                                       const std::vector<IpAddress>& requested,
                                       const Owner& owner) {
  std::vector<IpConfig> taken;
  auto allocated = AllocateEach(store, sets, requested, owner, taken);
  if (allocated) return taken;
  for (const IpConfig& ip : taken) RETURN_IF_ERROR(store.Release(ip.address.address, owner));
  return std::unexpected(std::move(allocated).error());
}

}  // namespace trivet::cni
