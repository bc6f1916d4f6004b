#pragma once

#include <filesystem>
#include <functional>

#include "common/base/error.h"

namespace trivet {

/// As InNetworkNamespace, in the calling thread, which is the process's only one: without the cost
/// of another. The process ends (SIGABRT) where there is no way back, since whatever it did next
/// would be done to the wrong network.
Result<> InNetworkNamespaceAndBack(const std::filesystem::path& path,
                                   const std::function<Result<>()>& work);

}  // namespace trivet
