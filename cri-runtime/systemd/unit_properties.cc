#include "cri-runtime/systemd/unit_properties.h"

#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace trivet::systemd {
namespace {

constexpr uint64_t kInfinity = std::numeric_limits<uint64_t>::max();
constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kPercentUs = kSecondUs / 100;
constexpr int64_t kDefaultPeriodUs = 100'000;
constexpr uint64_t kMostCpus = 8192;  // CONFIG_NR_CPUS of the largest kernels

struct File {
  std::string_view file;
  const char* property;
};

// Files of `unified` that systemd writes, too.
constexpr File kFiles[] = {
    {"memory.min", "MemoryMin"},          {"memory.low", "MemoryLow"},
    {"memory.high", "MemoryHigh"},        {"memory.max", "MemoryMax"},
    {"memory.swap.max", "MemorySwapMax"}, {"pids.max", "TasksMax"},
    {"cpu.weight", "CPUWeight"},
};

uint64_t LimitOf(int64_t limit) {
  return limit < 0 ? kInfinity : static_cast<uint64_t>(limit);
}

std::optional<uint64_t> ParseWhole(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

uint64_t QuotaPerSecond(int64_t quota_us, int64_t period_us) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / kSecondUs - 1;
  if (quota_us <= 0 || quota_us > kMost || period_us <= 0) return kInfinity;
  const int64_t exact = quota_us * kSecondUs / period_us;
  return static_cast<uint64_t>((exact + kPercentUs - 1) / kPercentUs * kPercentUs);
}

void AddMemory(const CgroupLimits& limits, Properties& properties) {
  if (limits.memory_bytes) properties.push_back({"MemoryMax", LimitOf(*limits.memory_bytes)});
  if (!limits.memory_and_swap_bytes) return;
  const int64_t both = *limits.memory_and_swap_bytes;
  const int64_t memory = limits.memory_bytes.value_or(-1);
  if (both < 0) {
    properties.push_back({"MemorySwapMax", kInfinity});
  } else if (memory >= 0 && memory <= both) {  // else it is refused when the file is written
    properties.push_back({"MemorySwapMax", static_cast<uint64_t>(both - memory)});
  }
}

void AddCpu(const CgroupLimits& limits, Properties& properties) {
  if (limits.cpu_shares) {
    properties.push_back({"CPUWeight", CpuWeightOfShares(*limits.cpu_shares)});
  }
  if (limits.cpu_period_us) properties.push_back({"CPUQuotaPeriodUSec", *limits.cpu_period_us});
  if (!limits.cpu_quota_us) return;
  const auto period_us = static_cast<int64_t>(limits.cpu_period_us.value_or(kDefaultPeriodUs));
  properties.push_back({"CPUQuotaPerSecUSec", QuotaPerSecond(*limits.cpu_quota_us, period_us)});
}

Result<> AddCpusets(const CgroupLimits& limits, Properties& properties) {
  if (!limits.cpuset_cpus.empty()) {
    ASSIGN_OR_RETURN(std::vector<uint8_t> bits, CpusetBits(limits.cpuset_cpus), "cpuset_cpus");
    properties.push_back({"AllowedCPUs", std::move(bits)});
  }
  if (!limits.cpuset_mems.empty()) {
    ASSIGN_OR_RETURN(std::vector<uint8_t> bits, CpusetBits(limits.cpuset_mems), "cpuset_mems");
    properties.push_back({"AllowedMemoryNodes", std::move(bits)});
  }
  return {};
}

void AddUnified(const CgroupLimits& limits, Properties& properties) {
  for (const auto& [file, property] : kFiles) {
    const auto asked = limits.unified.find(std::string(file));
    if (asked == limits.unified.end()) continue;
    // Another word than these is refused when the file is written.
    const auto value = asked->second == "max" ? kInfinity : ParseWhole(asked->second);
    if (value) properties.push_back({property, *value});
  }
}

}  // namespace

Result<std::vector<uint8_t>> CpusetBits(const std::string& list) {
  std::vector<uint8_t> bits;
  for (std::string_view rest = list; !rest.empty();) {
    const size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    const size_t dash = part.find('-');
    const auto first = ParseWhole(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : ParseWhole(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= kMostCpus) {
      return Fail(Code::kInvalidArgument, "unexpected \"{}\"", list);
    }
    for (uint64_t number = *first; number <= *last; ++number) {
      if (bits.size() <= number / 8) bits.resize(number / 8 + 1);
      bits[number / 8] = static_cast<uint8_t>(bits[number / 8] | 1U << number % 8);
    }
  }
  return bits;
}

Result<Properties> PropertiesOf(const CgroupLimits& limits) {
  Properties properties;
  AddMemory(limits, properties);
  AddCpu(limits, properties);
  if (limits.pids) properties.push_back({"TasksMax", LimitOf(*limits.pids)});
  RETURN_IF_ERROR(AddCpusets(limits, properties));
  AddUnified(limits, properties);
  return properties;
}

}  // namespace trivet::systemd
