#pragma once

#include <chrono>
#include <string>

#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Waits until packets pass the link: the kernel tells a bridge of a port's carrier a moment after
/// both ends are up. Errors: kDeadlineExceeded; kNotFound when the link goes away.
/// Source: Documentation/networking/operstates.rst.
Result<> AwaitOperational(netlink::RouteSocket& socket, const std::string& link,
                          std::chrono::milliseconds within = std::chrono::milliseconds(2500));

}  // namespace trivet::cni
