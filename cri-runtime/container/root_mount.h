#pragma once

#include <functional>
#include <future>
#include <optional>

#include "common/base/error.h"
#include "common/linux/mount.h"

namespace trivet::container {

/// A container's root file system, mounted beside what else is done for the container. Its end
/// waits for that, so that what was mounted may be removed.
class RootMount {
 public:
  /// Begins `mount`; where there can be no thread for it, it is left for Await.
  explicit RootMount(std::function<Result<DetachedMount>()> mount);
  ~RootMount();
  RootMount(const RootMount&) = delete;
  RootMount& operator=(const RootMount&) = delete;

  /// Its descriptor, once it is there. Errors: the mount's.
  Result<int> Await();

  /// The same, for the caller to keep.
  Result<DetachedMount> Take() &&;

 private:
  std::future<Result<DetachedMount>> mounting_;
  std::optional<Result<DetachedMount>> mount_;
};

}  // namespace trivet::container
