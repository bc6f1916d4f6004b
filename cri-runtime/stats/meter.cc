#include "cri-runtime/stats/meter.h"

#include <sys/statvfs.h>

#include "common/linux/process.h"
#include "cri-runtime/clock.h"

namespace trivet::stats {
namespace {

// The shim lives in the pod's network namespace.
std::vector<InterfaceUsage> NetworkOf(const state::Sandbox& sandbox) {
  const bool own = sandbox.record->config.namespaces.network == sandbox::NamespaceMode::kPod;
  if (!own || sandbox.state.shim_pid == 0) return {};
  const auto start_time = ReadStartTime(sandbox.state.shim_pid);
  if (!start_time || *start_time != sandbox.state.shim_start_time) return {};  // another process
  auto usage = ReadNetworkUsage(sandbox.state.shim_pid);
  return usage ? std::move(*usage) : std::vector<InterfaceUsage>{};
}

}  // namespace

Meter::Meter(cri::Node& node)
    : node_(node),
      layers_([&node](const std::string& id) { return node.paths.Upper(id) / "fs"; }) {}

Result<ContainerSample> Meter::Measure(const std::shared_ptr<const state::Container>& container) {
  const container::Record& record = *container->record;
  ContainerSample sample{.container = container, .at_ns = cri::NowNs()};
  ASSIGN_OR_RETURN(sample.cgroup, node_.cgroups.ReadStats(record.cgroup));
  sample.cpu_rate = rates_.Update(record.cgroup, sample.at_ns, sample.cgroup.cpu_usage_ns);
  sample.layer = layers_.Get(record.id);
  return sample;
}

Result<PodSample> Meter::Measure(const std::shared_ptr<const state::Sandbox>& sandbox,
                                 const state::Snapshot& snapshot) {
  const sandbox::Record& record = *sandbox->record;
  PodSample sample{.sandbox = sandbox, .at_ns = cri::NowNs()};
  ASSIGN_OR_RETURN(sample.cgroup, node_.cgroups.ReadStats(record.cgroup));
  sample.cpu_rate = rates_.Update(record.cgroup, sample.at_ns, sample.cgroup.cpu_usage_ns);
  sample.interfaces = NetworkOf(*sandbox);
  for (const auto& container : snapshot.ContainersOf(record.id)) {
    if (container->state.phase != container::Phase::kRunning) continue;
    // One that goes away meanwhile is not in the list.
    if (auto measured = Measure(container)) sample.containers.push_back(std::move(*measured));
  }
  return sample;
}

Result<CgroupDetails> Meter::Details(const std::string& cgroup) const {
  return node_.cgroups.ReadDetails(cgroup);
}

ProcessCounts Meter::Processes(const std::string& cgroup) const {
  const auto pids = node_.cgroups.Processes(cgroup);
  return pids ? CountProcesses(*pids) : ProcessCounts{};
}

FileSystemSize Meter::LayerFileSystem() const {
  struct statvfs size{};
  if (::statvfs(LayerFolder().c_str(), &size) != 0) return {};
  return {
      .bytes = size.f_blocks * size.f_frsize, .inodes = size.f_files, .free_inodes = size.f_ffree};
}

void Meter::Retain(const state::Snapshot& snapshot) {
  layers_.Retain([&](const std::string& id) { return snapshot.containers.contains(id); });
  rates_.Forget(cri::NowNs());
}

}  // namespace trivet::stats
