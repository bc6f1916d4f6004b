#include "cri-runtime/stats/writable_layers.h"

#include "cri-runtime/clock.h"

namespace trivet::stats {
namespace {

constexpr int64_t kMaxAgeNs = 10'000'000'000;
constexpr auto kFirstPatience = std::chrono::milliseconds(50);
constexpr auto kPiece = std::chrono::milliseconds(10);

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
    if (is_first) jobs_.push_back({container_id, std::nullopt});
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
  std::erase_if(jobs_, [&](const Job& job) { return !exists(job.id); });
}

// False when a piece of it was done and more is left.
bool WritableLayers::GoOn(Job& job) const {
  if (!job.measurement) {
    auto begun = TreeMeasurement::Begin(folder_of_(job.id));
    if (!begun) return true;
    job.measurement = std::move(*begun);
  }
  return job.measurement->Continue(std::chrono::steady_clock::now() + kPiece);
}

// In turn: a tree that takes minutes, or grows as fast as it is walked, holds up no other.
void WritableLayers::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (ending_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    const bool done = GoOn(job);
    lock.lock();
    if (!wanted_.contains(job.id)) continue;  // one that was forgotten meanwhile stays so
    if (!done) {
      jobs_.push_back(std::move(job));
      continue;
    }
    wanted_.erase(job.id);
    if (job.measurement) known_[job.id] = {job.measurement->usage(), cri::NowNs()};
    changed_.notify_all();
  }
}

}  // namespace trivet::stats
