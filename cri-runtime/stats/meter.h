#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cri-runtime/node.h"
#include "cri-runtime/stats/cpu_rates.h"
#include "cri-runtime/stats/network_usage.h"
#include "cri-runtime/stats/process_counts.h"
#include "cri-runtime/stats/writable_layers.h"

namespace trivet::stats {

struct ContainerSample {
  std::shared_ptr<const state::Container> container;
  int64_t at_ns = 0;  // Unix time
  CgroupStats cgroup;
  std::optional<uint64_t> cpu_rate;  // nanoseconds per second
  std::optional<LayerUsage> layer;
};

struct PodSample {
  std::shared_ptr<const state::Sandbox> sandbox;
  int64_t at_ns = 0;
  CgroupStats cgroup;
  std::optional<uint64_t> cpu_rate;
  std::vector<InterfaceUsage> interfaces;  // none in the node's network: they are not the pod's
  std::vector<ContainerSample> containers;
};

/// The file system that writable layers are on.
struct FileSystemSize {
  uint64_t bytes = 0;
  uint64_t inodes = 0;
  uint64_t free_inodes = 0;
};

/// Measures pods and containers. Reads the kernel's files only: no shim is asked, no lock of a pod
/// is taken. Any thread.
class Meter {
 public:
  /// Borrowed.
  explicit Meter(cri::Node& node);

  /// Errors: kNotFound when its cgroup is gone.
  Result<ContainerSample> Measure(const std::shared_ptr<const state::Container>& container);
  /// With its running containers. Errors: kNotFound when its cgroup is gone.
  Result<PodSample> Measure(const std::shared_ptr<const state::Sandbox>& sandbox,
                            const state::Snapshot& snapshot);

  [[nodiscard]] Result<CgroupDetails> Details(const std::string& cgroup) const;
  [[nodiscard]] ProcessCounts Processes(const std::string& cgroup) const;
  [[nodiscard]] FileSystemSize LayerFileSystem() const;
  [[nodiscard]] std::filesystem::path LayerFolder() const { return node_.paths.Uppers(); }

  /// Forgets what is not in the snapshot any more. For lists: they see everything.
  void Retain(const state::Snapshot& snapshot);

 private:
  cri::Node& node_;
  CpuRates rates_;
  WritableLayers layers_;
};

}  // namespace trivet::stats
