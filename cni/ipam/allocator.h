#pragma once

#include <vector>

#include "cni/add_result.h"
#include "cni/ipam/range.h"
#include "cni/ipam/reservation_store.h"
#include "common/base/error.h"

namespace trivet::cni {

/// Gives `owner` one address from each set: the requested one that is in the set, else the next
/// free one after the last given, round and round, never a gateway. All or nothing.
/// Errors: kResourceExhausted when a set has none left, kAlreadyExists when a requested one is
/// taken, kInvalidArgument for a requested one that is a gateway or in no set.
Result<std::vector<IpConfig>> Allocate(ReservationStore& store, const std::vector<RangeSet>& sets,
                                       const std::vector<IpAddress>& requested, const Owner& owner);

/// How many addresses of `set` are not among `used`.
uint64_t CountFree(const RangeSet& set, const std::vector<IpAddress>& used);

/// "10.1.0.2-10.1.0.254, ...": how a set is named to people.
std::string Describe(const RangeSet& set);

}  // namespace trivet::cni
