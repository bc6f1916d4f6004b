#pragma once

#include <filesystem>
#include <functional>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/netlink.h"

namespace trivet {

/// Runs `work` with the network namespace at `path` (CNI_NETNS) entered, on a
/// thread of its own that ends with the call.
///
/// setns(CLONE_NEWNET) moves one thread. Running in the caller's thread and
/// moving back can fail half way and leave a pool thread in a pod's network; a
/// thread that dies cannot.
/// Errors: kNotFound when the file is gone, kInvalidArgument when it is no
/// network namespace; otherwise what `work` returned.
Result<> InNetworkNamespace(const std::filesystem::path& path,
                            const std::function<Result<>()>& work);

/// Makes a network namespace with "lo" up, which ends with the descriptor unless it is pinned
/// (netns_pin.h) or entered. The calling thread is in it meanwhile, and back in its own then.
Result<UniqueFd> MakeNetworkNamespace();

/// A route socket that was opened inside the network namespace at `path` and stays in it, so that
/// the caller need not enter. Errors: as InNetworkNamespace.
Result<netlink::RouteSocket> OpenRouteSocketIn(const std::filesystem::path& path);

}  // namespace trivet
