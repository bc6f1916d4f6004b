#include "cri-runtime/container/root_mount.h"

#include <chrono>
#include <system_error>
#include <utility>

#include "common/linux/worker_threads.h"

namespace trivet::container {

RootMount::RootMount(std::function<Result<DetachedMount>()> mount) {
  try {
    mounting_ = BeginAside(mount, Where::kApart);
  } catch (const std::system_error&) {
    mounting_ = std::async(std::launch::deferred, std::move(mount));
  }
}

// What was returned is gone when this returns; a wait would leave that to the thread.
RootMount::~RootMount() {
  if (!mounting_.valid()) return;
  if (mounting_.wait_for(std::chrono::seconds::zero()) == std::future_status::deferred) return;
  try {
    const Result<DetachedMount> unused = mounting_.get();
  } catch (...) {  // the work's, of which somebody else has to tell
  }
}

Result<int> RootMount::Await() {
  if (mounting_.valid()) mount_.emplace(mounting_.get());
  if (!*mount_) return std::unexpected(Error(mount_->error()).Wrap("root file system"));
  return (*mount_)->fd();
}

Result<DetachedMount> RootMount::Take() && {
  RETURN_IF_ERROR(Await());
  return std::move(*mount_);
}

}  // namespace trivet::container
