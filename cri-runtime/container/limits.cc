#include "cri-runtime/container/limits.h"

namespace trivet::container {
namespace {

Result<> Check(const Resources& resources) {
  const auto check = [](const char* name, int64_t value, int64_t least) -> Result<> {
    if (value >= least) return {};
    return Fail(Code::kInvalidArgument, "{}: unexpected {}", name, value);
  };
  RETURN_IF_ERROR(check("cpu_period", resources.cpu_period_us, 0));
  RETURN_IF_ERROR(check("cpu_quota", resources.cpu_quota_us, -1));
  RETURN_IF_ERROR(check("cpu_shares", resources.cpu_shares, 0));
  RETURN_IF_ERROR(check("memory_limit_in_bytes", resources.memory_limit_bytes, -1));
  RETURN_IF_ERROR(check("memory_swap_limit_in_bytes", resources.memory_swap_limit_bytes, -1));
  for (const auto& [size, limit_bytes] : resources.hugepage_limits_bytes) {
    // It becomes part of a file's name.
    const size_t digits = size.find_first_not_of("0123456789");
    const std::string unit = digits == std::string::npos ? "" : size.substr(digits);
    if (digits != 0 && (unit == "KB" || unit == "MB" || unit == "GB")) continue;
    return Fail(Code::kInvalidArgument, "hugepage_limits: page_size: unexpected \"{}\"", size);
  }
  return {};
}

}  // namespace

Result<CgroupLimits> LimitsOf(const Resources& resources, int64_t pids_limit) {
  RETURN_IF_ERROR(Check(resources));
  CgroupLimits limits{.cpuset_cpus = resources.cpuset_cpus,
                      .cpuset_mems = resources.cpuset_mems,
                      .hugepages_bytes = resources.hugepage_limits_bytes,
                      .unified = resources.unified};
  if (resources.memory_limit_bytes != 0) {
    limits.memory_bytes = resources.memory_limit_bytes;
    limits.memory_and_swap_bytes = resources.memory_limit_bytes;
  }
  if (resources.memory_swap_limit_bytes != 0) {
    limits.memory_and_swap_bytes = resources.memory_swap_limit_bytes;
  }
  if (resources.cpu_shares > 0) limits.cpu_shares = static_cast<uint64_t>(resources.cpu_shares);
  if (resources.cpu_quota_us != 0) limits.cpu_quota_us = resources.cpu_quota_us;
  if (resources.cpu_period_us > 0) {
    limits.cpu_period_us = static_cast<uint64_t>(resources.cpu_period_us);
  }
  if (pids_limit > 0) limits.pids = pids_limit;
  return limits;
}

Resources MergeResources(const Resources& base, const Resources& update) {
  Resources merged = base;
  const auto take = [](auto& into, const auto& from) {
    if (from != std::remove_cvref_t<decltype(from)>{}) into = from;
  };
  take(merged.cpu_period_us, update.cpu_period_us);
  take(merged.cpu_quota_us, update.cpu_quota_us);
  take(merged.cpu_shares, update.cpu_shares);
  take(merged.memory_limit_bytes, update.memory_limit_bytes);
  take(merged.memory_swap_limit_bytes, update.memory_swap_limit_bytes);
  take(merged.oom_score_adj, update.oom_score_adj);
  take(merged.cpuset_cpus, update.cpuset_cpus);
  take(merged.cpuset_mems, update.cpuset_mems);
  for (const auto& [size, bytes] : update.hugepage_limits_bytes) {
    merged.hugepage_limits_bytes[size] = bytes;
  }
  for (const auto& [file, value] : update.unified) merged.unified[file] = value;
  return merged;
}

}  // namespace trivet::container
