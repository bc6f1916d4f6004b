#include "cri-runtime/stats/network_usage.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/base/text.h"
#include "common/linux/file.h"

namespace trivet::stats {

namespace {

// Takes the number that comes next off the front; false when there is none.
bool TakeNumber(std::string_view& text, uint64_t& number) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return error == std::errc();
}

// "  eth0:    1000      10    1    2 …"; nothing for one of the two headings.
std::optional<InterfaceUsage> ParseLine(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  InterfaceUsage usage;
  const size_t name = std::min(line.find_first_not_of(' '), colon);
  usage.name = line.substr(name, colon - name);
  std::string_view counters = line.substr(colon + 1);
  uint64_t skipped = 0;  // fifo, frame, compressed, multicast
  for (uint64_t* number :
       {&usage.received_bytes, &usage.received_packets, &usage.receive_errors, &usage.receive_drops,
        &skipped, &skipped, &skipped, &skipped, &usage.sent_bytes, &usage.sent_packets,
        &usage.send_errors, &usage.send_drops}) {
    if (!TakeNumber(counters, *number)) return std::nullopt;
  }
  return usage;
}

}  // namespace

std::vector<InterfaceUsage> ParseNetDev(std::string_view text) {
  std::vector<InterfaceUsage> interfaces;
  for (const std::string_view line : SplitAt(text, '\n')) {
    auto usage = ParseLine(line);
    if (usage && usage->name != "lo") interfaces.push_back(std::move(*usage));
  }
  return interfaces;
}

Result<std::vector<InterfaceUsage>> ReadNetworkUsage(pid_t pid) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile("/proc/" + std::to_string(pid) + "/net/dev"));
  return ParseNetDev(text);
}

}  // namespace trivet::stats
