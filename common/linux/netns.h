#pragma once

#include <filesystem>
#include <functional>
#include <future>

#include "common/base/error.h"
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

/// Begins to make a network namespace with "lo" up and, when `may_pin` has returned, to mount it at
/// `path`, in a folder from MakePinFolder; where that fails nothing is left. On a thread of its
/// own, which dies: the caller's stays where it is. Errors: the kernel's; may_pin's.
std::future<Result<>> MakeNetworkNamespace(const std::filesystem::path& path,
                                           std::function<Result<>()> may_pin = {});

/// A route socket that was opened inside the network namespace at `path` and stays in it, so that
/// the caller need not enter. Errors: as InNetworkNamespace.
Result<netlink::RouteSocket> OpenRouteSocketIn(const std::filesystem::path& path);

}  // namespace trivet
