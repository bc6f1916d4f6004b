#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace trivet::stats {

/// Counters of one interface since it was made.
struct InterfaceUsage {
  std::string name;
  uint64_t received_bytes = 0;
  uint64_t received_packets = 0;
  uint64_t receive_errors = 0;
  uint64_t receive_drops = 0;
  uint64_t sent_bytes = 0;
  uint64_t sent_packets = 0;
  uint64_t send_errors = 0;
  uint64_t send_drops = 0;
};

/// The interfaces without lo, in the kernel's order.
/// Source: man 5 proc_pid_net, "dev".
std::vector<InterfaceUsage> ParseNetDev(std::string_view text);

/// Of the network namespace that `pid` is in; nobody enters it. Errors: kNotFound.
Result<std::vector<InterfaceUsage>> ReadNetworkUsage(pid_t pid);

}  // namespace trivet::stats
