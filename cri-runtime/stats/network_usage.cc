#include "cri-runtime/stats/network_usage.h"

#include <sstream>

#include "common/linux/file.h"

namespace trivet::stats {

std::vector<InterfaceUsage> ParseNetDev(std::string_view text) {
  std::vector<InterfaceUsage> interfaces;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;  // one of the two headings
    InterfaceUsage usage;
    std::istringstream(line.substr(0, colon)) >> usage.name;
    if (usage.name == "lo") continue;
    std::istringstream counters(line.substr(colon + 1));
    uint64_t skipped = 0;  // fifo, frame, compressed, multicast
    counters >> usage.received_bytes >> usage.received_packets >> usage.receive_errors >>
        usage.receive_drops >> skipped >> skipped >> skipped >> skipped;
    counters >> usage.sent_bytes >> usage.sent_packets >> usage.send_errors >> usage.send_drops;
    if (counters) interfaces.push_back(std::move(usage));
  }
  return interfaces;
}

Result<std::vector<InterfaceUsage>> ReadNetworkUsage(pid_t pid) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile("/proc/" + std::to_string(pid) + "/net/dev"));
  return ParseNetDev(text);
}

}  // namespace trivet::stats
