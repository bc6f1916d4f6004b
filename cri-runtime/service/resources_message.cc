#include "cri-runtime/service/resources_message.h"

#include "cri-runtime/container/limits.h"
#include "cri-runtime/service/field_checks.h"

namespace trivet::cri {

Result<container::Resources> ParseResources(const ::runtime::v1::LinuxContainerResources& from) {
  container::Resources resources{.cpu_period_us = from.cpu_period(),
                                 .cpu_quota_us = from.cpu_quota(),
                                 .cpu_shares = from.cpu_shares(),
                                 .memory_limit_bytes = from.memory_limit_in_bytes(),
                                 .memory_swap_limit_bytes = from.memory_swap_limit_in_bytes(),
                                 .oom_score_adj = from.oom_score_adj(),
                                 .cpuset_cpus = from.cpuset_cpus(),
                                 .cpuset_mems = from.cpuset_mems()};
  if (resources.oom_score_adj < -1000 || resources.oom_score_adj > 1000) {
    return Fail(Code::kInvalidArgument, "oom_score_adj: unexpected {}", resources.oom_score_adj);
  }
  RETURN_IF_ERROR(CheckLine("cpuset_cpus", resources.cpuset_cpus));
  RETURN_IF_ERROR(CheckLine("cpuset_mems", resources.cpuset_mems));
  for (const auto& limit : from.hugepage_limits()) {
    resources.hugepage_limits_bytes[limit.page_size()] = limit.limit();
  }
  for (const auto& [file, value] : from.unified()) {
    RETURN_IF_ERROR(CheckName("unified", file));  // a file of the group's own folder
    resources.unified[file] = value;
  }
  RETURN_IF_ERROR(container::LimitsOf(resources, -1));
  return resources;
}

container::Resources WithOverhead(container::Resources of_containers,
                                  const container::Resources& overhead) {
  container::Resources& sum = of_containers;
  const auto add = [](int64_t& limit, int64_t more) {
    if (limit > 0 && more > 0) limit += more;
  };
  add(sum.memory_limit_bytes, overhead.memory_limit_bytes);
  add(sum.memory_swap_limit_bytes, overhead.memory_limit_bytes);
  add(sum.cpu_shares, overhead.cpu_shares);
  if (sum.cpu_quota_us > 0 && overhead.cpu_quota_us > 0 && overhead.cpu_period_us > 0) {
    const double periods =
        static_cast<double>(overhead.cpu_quota_us) / static_cast<double>(overhead.cpu_period_us);
    sum.cpu_quota_us += static_cast<int64_t>(periods * static_cast<double>(sum.cpu_period_us));
  }
  return of_containers;
}

void FillResources(const container::Resources& from, ::runtime::v1::LinuxContainerResources& to) {
  to.set_cpu_period(from.cpu_period_us);
  to.set_cpu_quota(from.cpu_quota_us);
  to.set_cpu_shares(from.cpu_shares);
  to.set_memory_limit_in_bytes(from.memory_limit_bytes);
  to.set_memory_swap_limit_in_bytes(from.memory_swap_limit_bytes);
  to.set_oom_score_adj(from.oom_score_adj);
  to.set_cpuset_cpus(from.cpuset_cpus);
  to.set_cpuset_mems(from.cpuset_mems);
  for (const auto& [size, limit_bytes] : from.hugepage_limits_bytes) {
    auto* limit = to.add_hugepage_limits();
    limit->set_page_size(size);
    limit->set_limit(limit_bytes);
  }
  to.mutable_unified()->insert(from.unified.begin(), from.unified.end());
}

}  // namespace trivet::cri
