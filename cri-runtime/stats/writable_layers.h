#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "cri-runtime/stats/disk_usage.h"

namespace trivet::stats {

struct LayerUsage {
  DiskUsage usage;
  int64_t measured_at_ns = 0;  // Unix time
};

/// What containers' writable layers take. Walking a large tree takes long, so a list gets what was
/// measured last, at most ten seconds ago or, when a walk takes longer, since it ended. Any thread.
class WritableLayers {
 public:
  using FolderOf = std::function<std::filesystem::path(const std::string& container_id)>;

  explicit WritableLayers(FolderOf folder_of);
  ~WritableLayers();
  WritableLayers(const WritableLayers&) = delete;
  WritableLayers& operator=(const WritableLayers&) = delete;

  /// The first call for a container waits up to 50 ms for its measurement, later ones never; what
  /// is not measured yet is nothing.
  std::optional<LayerUsage> Get(const std::string& container_id);

  /// Forgets the containers for which `exists` does not hold.
  void Retain(const std::function<bool(const std::string& container_id)>& exists);

 private:
  struct Job {
    std::string id;
    std::optional<TreeMeasurement> measurement;  // once it is begun
  };
  bool GoOn(Job& job) const;
  void Work();

  const FolderOf folder_of_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, LayerUsage> known_;
  std::set<std::string> wanted_;  // those of jobs_, and of the job in hand
  std::deque<Job> jobs_;
  bool ending_ = false;
  std::thread worker_;  // last: it uses all the above
};

}  // namespace trivet::stats
