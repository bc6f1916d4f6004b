#include "cri-runtime/service/stats.h"

#include "cri-runtime/service/answers.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;

constexpr uint64_t kNsPerUs = 1000;

void FillLine(const PressureLine& from, v1::PsiData& to) {
  to.set_total(from.total_us * kNsPerUs);
  to.set_avg10(from.avg10);
  to.set_avg60(from.avg60);
  to.set_avg300(from.avg300);
}

template <class Usage>
void FillPressure(const std::optional<Pressure>& from, Usage& to) {
  if (!from) return;
  FillLine(from->some, *to.mutable_psi()->mutable_some());
  FillLine(from->full, *to.mutable_psi()->mutable_full());
}

template <class Sample>
void FillCpu(const Sample& from, v1::CpuUsage& to) {
  to.set_timestamp(from.at_ns);
  to.mutable_usage_core_nano_seconds()->set_value(from.cgroup.cpu_usage_ns);
  if (from.cpu_rate) to.mutable_usage_nano_cores()->set_value(*from.cpu_rate);
  FillPressure(from.cgroup.cpu_pressure, to);
}

template <class Sample>
void FillMemory(const Sample& from, v1::MemoryUsage& to) {
  to.set_timestamp(from.at_ns);
  to.mutable_working_set_bytes()->set_value(from.cgroup.memory_working_set_bytes);
  to.mutable_usage_bytes()->set_value(from.cgroup.memory_usage_bytes);
  to.mutable_rss_bytes()->set_value(from.cgroup.memory_rss_bytes);
  to.mutable_page_faults()->set_value(from.cgroup.page_faults);
  to.mutable_major_page_faults()->set_value(from.cgroup.major_page_faults);
  FillPressure(from.cgroup.memory_pressure, to);
}

template <class Sample, class Message>
void FillIo(const Sample& from, Message& to) {
  if (!from.cgroup.io_pressure) return;
  to.mutable_io()->set_timestamp(from.at_ns);
  FillPressure(from.cgroup.io_pressure, *to.mutable_io());
}

// What the limits leave; without a limit there is no such number.
void FillLeft(int64_t limit_bytes, uint64_t used_bytes, v1::UInt64Value& to) {
  const auto limit = static_cast<uint64_t>(limit_bytes);
  to.set_value(limit > used_bytes ? limit - used_bytes : 0);
}

void FillLimits(const stats::ContainerSample& from, v1::ContainerStats& to) {
  const container::Resources& limits = from.container->state.resources;
  if (limits.memory_limit_bytes <= 0) return;
  FillLeft(limits.memory_limit_bytes, from.cgroup.memory_working_set_bytes,
           *to.mutable_memory()->mutable_available_bytes());
  const int64_t swap_bytes = limits.memory_swap_limit_bytes - limits.memory_limit_bytes;
  if (swap_bytes < 0) return;
  FillLeft(swap_bytes, from.cgroup.swap_usage_bytes,
           *to.mutable_swap()->mutable_swap_available_bytes());
}

void FillLayer(const stats::LayerUsage& from, const std::filesystem::path& folder,
               v1::FilesystemUsage& to) {
  to.set_timestamp(from.measured_at_ns);
  to.mutable_fs_id()->set_mountpoint(folder.native());
  to.mutable_used_bytes()->set_value(from.usage.used_bytes);
  to.mutable_inodes_used()->set_value(from.usage.inodes);
}

void FillInterface(const stats::InterfaceUsage& from, v1::NetworkInterfaceUsage& to) {
  to.set_name(from.name);
  to.mutable_rx_bytes()->set_value(from.received_bytes);
  to.mutable_rx_errors()->set_value(from.receive_errors);
  to.mutable_tx_bytes()->set_value(from.sent_bytes);
  to.mutable_tx_errors()->set_value(from.send_errors);
}

// The default interface is the one CNI makes by convention; else the first.
void FillNetwork(const stats::PodSample& from, v1::NetworkUsage& to) {
  to.set_timestamp(from.at_ns);
  size_t chosen = 0;
  for (size_t i = 0; i < from.interfaces.size(); ++i) {
    if (from.interfaces[i].name == "eth0") chosen = i;
  }
  for (size_t i = 0; i < from.interfaces.size(); ++i) {
    FillInterface(from.interfaces[i],
                  i == chosen ? *to.mutable_default_interface() : *to.add_interfaces());
  }
}

void FillAttributes(const sandbox::Record& from, v1::PodSandboxAttributes& to) {
  to.set_id(from.id);
  to.mutable_metadata()->set_name(from.config.metadata.name);
  to.mutable_metadata()->set_uid(from.config.metadata.uid);
  to.mutable_metadata()->set_namespace_(from.config.metadata.namespace_name);
  to.mutable_metadata()->set_attempt(from.config.metadata.attempt);
  FillLabels(from.config, to);
}

}  // namespace

void FillContainerStats(const stats::ContainerSample& from,
                        const std::filesystem::path& layer_folder, v1::ContainerStats& to) {
  const container::Record& record = *from.container->record;
  auto* attributes = to.mutable_attributes();
  attributes->set_id(record.id);
  attributes->mutable_metadata()->set_name(record.config.name);
  attributes->mutable_metadata()->set_attempt(record.config.attempt);
  FillLabels(record.config, *attributes);
  FillCpu(from, *to.mutable_cpu());
  FillMemory(from, *to.mutable_memory());
  FillIo(from, to);
  to.mutable_swap()->set_timestamp(from.at_ns);
  to.mutable_swap()->mutable_swap_usage_bytes()->set_value(from.cgroup.swap_usage_bytes);
  FillLimits(from, to);
  if (from.layer) FillLayer(*from.layer, layer_folder, *to.mutable_writable_layer());
}

void FillPodStats(const stats::PodSample& from, const std::filesystem::path& layer_folder,
                  v1::PodSandboxStats& to) {
  FillAttributes(*from.sandbox->record, *to.mutable_attributes());
  auto* pod = to.mutable_linux();
  FillCpu(from, *pod->mutable_cpu());
  FillMemory(from, *pod->mutable_memory());
  FillIo(from, *pod);
  if (!from.interfaces.empty()) FillNetwork(from, *pod->mutable_network());
  pod->mutable_process()->set_timestamp(from.at_ns);
  pod->mutable_process()->mutable_process_count()->set_value(from.cgroup.processes);
  for (const stats::ContainerSample& container : from.containers) {
    FillContainerStats(container, layer_folder, *pod->add_containers());
  }
}

bool Matches(const state::Container& container, const v1::ContainerStatsFilter& filter) {
  const container::Record& record = *container.record;
  return container.state.phase == container::Phase::kRunning &&
         record.id.starts_with(filter.id()) &&
         record.sandbox_id.starts_with(filter.pod_sandbox_id()) &&
         HasLabels(record.config.labels, filter.label_selector());
}

bool Matches(const state::Sandbox& sandbox, const v1::PodSandboxStatsFilter& filter) {
  return sandbox.state.phase == sandbox::Phase::kReady &&
         sandbox.record->id.starts_with(filter.id()) &&
         HasLabels(sandbox.record->config.labels, filter.label_selector());
}

}  // namespace trivet::cri
