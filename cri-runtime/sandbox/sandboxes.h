#pragma once

#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/json.h"
#include "cri-runtime/cni/network_config.h"
#include "cri-runtime/container/config.h"
#include "cri-runtime/node.h"
#include "cri-runtime/sandbox/config.h"
#include "cri-runtime/sandbox/pod_files.h"
#include "cri-runtime/sandbox/record.h"
#include "cri-runtime/sandbox/spares.h"
#include "cri-runtime/state/single_flight.h"

namespace trivet::sandbox {

/// Pod sandboxes, from the intent to the last file. Any thread.
///
/// Everything is repeatable: a call that failed, or was killed with the daemon, is
/// simply made again.
class Sandboxes {
 public:
  explicit Sandboxes(cri::Node& node) : node_(node) {}

  /// Makes a sandbox and returns its id. A retry with the same metadata joins the call that still
  /// runs, or gets the sandbox that it made.
  /// Errors: kAlreadyExists when one with that metadata is there and not ready; else the step that
  /// failed, after it was undone.
  /// At `deadline` it fails with kDeadlineExceeded, naming the step that is slow, and goes on: the
  /// retry joins.
  Result<std::string> Run(Config config, state::SingleFlight<std::string>::Deadline deadline);

  /// Waits for the runs that went on after their callers.
  void AwaitRuns() { running_.AwaitNone(); }

  /// The runs of now, by what a retry repeats, and their steps.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Running() const {
    return running_.Running();
  }

  /// Ends all containers, detaches the network, frees the namespaces. An absent one is success.
  Result<> Stop(const std::string& id);

  /// Stops it, and removes it with its containers. An absent one is success.
  Result<> Remove(const std::string& id);

  /// Limits for the pod as a whole. They are set where the pod's cgroup is ours; in one that the
  /// caller named, the caller has set them. Errors: kNotFound; kFailedPrecondition when it is not
  /// ready; the kernel's.
  Result<> UpdateResources(const std::string& id, const container::Resources& resources);

  /// For a sandbox whose shim has gone: its containers have ended, it is not ready.
  void MarkDead(const std::string& id);

  /// For a sandbox whose shim runs and cannot be spoken with: it is not ready, its containers run
  /// on until they are stopped.
  void MarkUnheard(const std::string& id);

  /// Undoes what a crash left of a sandbox that never got ready.
  Result<> Undo(const std::string& id);

 private:
  struct Planned {
    Record record;
    // What the record has as texts; absent: no CNI.
    std::optional<network::NetworkConfig> network;
    json::Value cni_args;
  };
  struct Connected {
    std::string result;  // ADD's, as JSON
    std::vector<std::string> ips;
  };
  struct Pod {
    std::optional<PodFolder> folder;
    double shim_ms = 0;
  };
  // What goes on beside a start. Its end waits for all of it: what still runs must not be undone.
  struct Beside {
    Beside() = default;
    ~Beside() { End(); }
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;
    // Lets those that wait for the record go on, or end. Once: later calls do nothing.
    void Tell(Result<const Record*> record);
    void End();

    std::unique_ptr<Spare> spare;
    std::promise<Result<const Record*>> recorded;
    bool told = false;
    std::future<Result<>> durable;
    // Of a pod whose network is made before its shim starts; else neither is valid.
    std::shared_future<Result<>> netns;
    std::future<Result<Pod>> pod;
  };
  Result<Planned> PlanWith(const Config& config, std::unique_ptr<Spare>& spare) const;
  Result<Planned> Plan(const Config& config, const Spare* spare) const;
  [[nodiscard]] bool IsFor(const Spare& spare, const Planned& planned) const;
  Result<selinux::Levels::Hold> ChooseLabels(Record& record) const;
  Result<std::string> Make(const Config& config, state::Progress& progress);
  void BeginPod(const Config& config, Beside& beside);
  Result<> RecordAndBuild(const Planned& planned, Beside& beside, state::Progress& progress);
  Result<> Build(const Planned& planned, Beside& beside, state::Progress& progress);
  [[nodiscard]] Result<> MakeGroup(const Record& record) const;
  Result<Pod> BuildPodGuarded(const Record& record, LoadedShim shim);
  Result<Pod> BuildPod(const Record& record, bool netns_is_made, std::optional<LoadedShim> shim);
  Result<> Complete(const Record& record, Result<Pod>& pod, const std::vector<std::string>& ips,
                    std::future<Result<>>& durable);
  [[nodiscard]] std::future<Result<>> MakeDurableAside(const Planned& planned) const;
  Result<> StartShim(const Record& record, bool netns_is_made, std::optional<LoadedShim> loaded);
  Result<Connected> ConnectSpare(const Planned& planned, Spare& spare, Result<Pod>& pod,
                                 state::Progress& progress);
  Result<Connected> ConnectBeside(const Planned& planned,
                                  const std::shared_future<Result<>>& netns);
  Result<Connected> ConnectNetwork(const Planned& planned, network::Beside beside);
  Result<> StopLocked(const Record& record);
  Result<> EndProcesses(const Record& record);
  bool TellShutdown(const std::string& id);
  Result<> EndShim(const Record& record);
  Result<> FreeNetwork(const Record& record);
  Result<> RemoveLocked(const Record& record);

  cri::Node& node_;
  state::SingleFlight<std::string> running_;
  // By this daemon, to the end: a removal need not look at each step again.
  std::mutex stopped_mutex_;
  std::set<std::string> stopped_;
};

}  // namespace trivet::sandbox
