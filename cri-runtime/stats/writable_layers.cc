#include "cri-runtime/stats/writable_layers.h"

#include "cri-runtime/clock.h"

namespace trivet::stats {
namespace {

constexpr int64_t kMaxAgeNs = 10'000'000'000;
constexpr auto kFirstPatience = std::chrono::milliseconds(50);

}  // namespace

WritableLayers::WritableLayers(FolderOf folder_of)
    : folder_of_(std::move(folder_of)), worker_([this] { Work(); }) {}

WritableLayers::~WritableLayers() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

std::optional<LayerUsage> WritableLayers::Get(const std::string& container_id) {
  std::unique_lock lock(mutex_);
  const auto found = known_.find(container_id);
  const bool is_new = found == known_.end();
  bool is_first = false;
  if (is_new || cri::NowNs() - found->second.measured_at_ns > kMaxAgeNs) {
    is_first = wanted_.insert(container_id).second;
    changed_.notify_all();
  }
  if (!is_new) return found->second;
  if (!is_first) return std::nullopt;  // another's large tree is walked first
  changed_.wait_for(lock, kFirstPatience, [&] { return ending_ || known_.contains(container_id); });
  const auto measured = known_.find(container_id);
  return measured == known_.end() ? std::nullopt : std::optional(measured->second);
}

void WritableLayers::Retain(const std::function<bool(const std::string&)>& exists) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(known_, [&](const auto& entry) { return !exists(entry.first); });
  std::erase_if(wanted_, [&](const std::string& id) { return !exists(id); });
}

void WritableLayers::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !wanted_.empty(); });
    if (ending_) return;
    const std::string id = *wanted_.begin();
    lock.unlock();
    const auto usage = MeasureTree(folder_of_(id));
    lock.lock();
    // One that was forgotten meanwhile stays so.
    if (wanted_.erase(id) > 0 && usage) known_[id] = {*usage, cri::NowNs()};
    changed_.notify_all();
  }
}

}  // namespace trivet::stats
