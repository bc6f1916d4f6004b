#pragma once

#include <filesystem>
#include <functional>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet {

/// While one lives, the calling thread is back in its own network namespace whenever that is asked
/// for, so that it need not be looked for each time. Not within another.
class OwnNetworkNamespaceReuse {
 public:
  OwnNetworkNamespaceReuse();
  ~OwnNetworkNamespaceReuse();
  OwnNetworkNamespaceReuse(const OwnNetworkNamespaceReuse&) = delete;
  OwnNetworkNamespaceReuse& operator=(const OwnNetworkNamespaceReuse&) = delete;

 private:
  UniqueFd fd_;
};

/// The network namespace of the calling thread, for setns(2) and fstat(2).
Result<UniqueFd> OpenOwnNetworkNamespace();

/// As InNetworkNamespace, in the calling thread, which is the process's only one: without the cost
/// of another. The process ends (SIGABRT) where there is no way back, since whatever it did next
/// would be done to the wrong network.
Result<> InNetworkNamespaceAndBack(const std::filesystem::path& path,
                                   const std::function<Result<>()>& work);

}  // namespace trivet
