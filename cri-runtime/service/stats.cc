#include "cri-runtime/service/stats.h"

#include "cri-runtime/clock.h"

namespace trivet::cri {

void FillContainerStats(const state::Container& from, const CgroupStats& stats,
                        ::runtime::v1::ContainerStats& to) {
  const container::Record& record = *from.record;
  auto* attributes = to.mutable_attributes();
  attributes->set_id(record.id);
  attributes->mutable_metadata()->set_name(record.config.name);
  attributes->mutable_metadata()->set_attempt(record.config.attempt);
  attributes->mutable_labels()->insert(record.config.labels.begin(), record.config.labels.end());
  attributes->mutable_annotations()->insert(record.config.annotations.begin(),
                                            record.config.annotations.end());
  const int64_t now_ns = NowNs();
  auto* cpu = to.mutable_cpu();
  cpu->set_timestamp(now_ns);
  cpu->mutable_usage_core_nano_seconds()->set_value(stats.cpu_usage_ns);
  auto* memory = to.mutable_memory();
  memory->set_timestamp(now_ns);
  memory->mutable_working_set_bytes()->set_value(stats.memory_working_set_bytes);
  memory->mutable_usage_bytes()->set_value(stats.memory_usage_bytes);
  memory->mutable_rss_bytes()->set_value(stats.memory_rss_bytes);
  memory->mutable_page_faults()->set_value(stats.page_faults);
  memory->mutable_major_page_faults()->set_value(stats.major_page_faults);
  const int64_t limit_bytes = from.state.resources.memory_limit_bytes;
  if (limit_bytes > 0) {
    const auto limit = static_cast<uint64_t>(limit_bytes);
    const uint64_t used = stats.memory_working_set_bytes;
    memory->mutable_available_bytes()->set_value(limit > used ? limit - used : 0);
  }
  auto* swap = to.mutable_swap();
  swap->set_timestamp(now_ns);
  swap->mutable_swap_usage_bytes()->set_value(stats.swap_usage_bytes);
}

}  // namespace trivet::cri
