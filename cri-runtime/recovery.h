#pragma once

#include <string>
#include <thread>
#include <vector>

#include "cri-runtime/container/containers.h"
#include "cri-runtime/node.h"
#include "cri-runtime/sandbox/sandboxes.h"

namespace trivet::cri {

/// What a start of the daemon makes of what it finds: records, shims, files.
///
/// The kernel is believed over the record: a shim that runs is asked what runs in
/// it, one that does not run has ended everything. What was half-made is undone,
/// what has no record is removed.
class Recovery {
 public:
  Recovery(Node& node, sandbox::Sandboxes& sandboxes) : node_(node), sandboxes_(sandboxes) {}

  /// What needs nobody's answer: records of an earlier boot, files without a record. Before CRI
  /// is served.
  Result<> Sweep();

  /// Connects to the shims, each in a thread of its own, and undoes what is half-made; while CRI is
  /// served. The threads end with this object.
  void Reconnect();

  /// Finishes checkpoints that a killed daemon left, in a thread where a CRIU is still at work.
  void ClearCheckpoints();

  /// GC and CHECK of the networks, in a thread that ends with this object. After Reconnect: what
  /// that undoes is not checked.
  void TidyNetworks();

 private:
  void EndEarlierBoot();
  void Reach(const std::string& id);
  /// Notices the ends of containers whose shim tells nothing, until none runs.
  void WatchUnheard(const std::stop_token& stop, const std::string& id);
  void Compare(const shim::State& running, const std::string& id);
  Result<> SweepFolder(const std::filesystem::path& folder,
                       const std::function<bool(const std::string&)>& is_known,
                       const std::function<Result<>(const std::string&)>& remove);
  Result<> EndStrayShim(const std::string& id);

  Node& node_;
  sandbox::Sandboxes& sandboxes_;
  std::vector<std::jthread> threads_;
};

}  // namespace trivet::cri
