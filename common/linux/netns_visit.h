#pragma once

#include <filesystem>
#include <functional>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet {

/// The network namespace of the calling thread, for setns(2) and fstat(2).
Result<UniqueFd> OpenOwnNetworkNamespace();

/// As InNetworkNamespace, in the calling thread, which is the process's only one: without the cost
/// of another. The process ends (SIGABRT) where there is no way back, since whatever it did next
/// would be done to the wrong network.
Result<> InNetworkNamespaceAndBack(const std::filesystem::path& path,
                                   const std::function<Result<>()>& work);

}  // namespace trivet
