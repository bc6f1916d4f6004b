#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "cri-runtime/cni/network.h"
#include "cri-runtime/sandbox/loaded_shim.h"

namespace trivet::sandbox {

/// What a pod has that could be any pod's. Nothing of it is on disk, and it ends with this process.
struct Spare {
  std::string id;                             // of the sandbox that it is for
  UniqueFd netns;                             // with lo up
  std::optional<network::Preparer> preparer;  // whose ADD alone can be done in the namespace
  LoadedShim shim;
};

/// One Spare for the next pod, made when a pod has been started and kept for as long as pods are
/// started one after the other. Any thread.
class Spares {
 public:
  using Clock = std::chrono::steady_clock;
  struct Times {
    std::chrono::milliseconds pause = std::chrono::milliseconds(5);  // without a start
    std::chrono::milliseconds idle = std::chrono::seconds(10);       // since the last pod
  };

  /// While one is held nothing is made: whoever starts a pod or a container needs the processors.
  class Start {
   public:
    explicit Start(Spares& spares) : spares_(spares) { spares_.OnStart(); }
    ~Start() { spares_.OnStarted(); }
    Start(const Start&) = delete;
    Start& operator=(const Start&) = delete;

   private:
    Spares& spares_;
  };

  explicit Spares(std::function<Result<Spare>()> make) : Spares(std::move(make), Times()) {}
  Spares(std::function<Result<Spare>()> make, const Times& times)
      : make_(std::move(make)), times_(times) {}
  /// Ends the spare, and waits for that.
  ~Spares();
  Spares(const Spares&) = delete;
  Spares& operator=(const Spares&) = delete;

  /// For a pod that needs one: the spare, or nothing where there is none.
  std::unique_ptr<Spare> Take();

  /// For a pod that was not begun.
  void GiveBack(std::unique_ptr<Spare> spare);

 private:
  void OnStart();
  void OnStarted();
  [[nodiscard]] bool IsWanted() const;
  void Keep();
  void Look(std::unique_lock<std::mutex>& lock);
  void MakeOne(std::unique_lock<std::mutex>& lock);

  const std::function<Result<Spare>()> make_;
  const Times times_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool is_kept_ = false;     // by a thread
  bool can_make_ = false;    // until it has failed
  int starts_ = 0;           // of now
  Clock::time_point quiet_;  // since when there is none
  Clock::time_point taken_;
  std::unique_ptr<Spare> spare_;
};

}  // namespace trivet::sandbox
