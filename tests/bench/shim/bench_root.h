#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::bench {

/// The root that containers get here: a tmpfs, with the node's /usr to be mounted into it.
class BenchRoot {
 public:
  /// Makes it visible at `folder`.
  static Result<BenchRoot> Make(const std::filesystem::path& folder);

  /// A detached mount of it, as the daemon makes one for each container.
  [[nodiscard]] Result<UniqueFd> Root() const;
  /// A detached mount of the node's /usr.
  [[nodiscard]] static Result<UniqueFd> Usr();

 private:
  explicit BenchRoot(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace trivet::bench
