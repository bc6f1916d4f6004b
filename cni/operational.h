#pragma once

#include <chrono>
#include <string>

#include "cni/container_end.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Waits until packets pass the link `link` of the namespace of `socket`: an end that was up before
/// the other drops them, and its bridge does, until the kernel's link watch has told both of the
/// carrier. Errors: kDeadlineExceeded; kNotFound when the link goes away.
/// Source: Documentation/networking/operstates.rst; net/core/link_watch.c.
Result<> AwaitOperational(netlink::RouteSocket& socket, const std::string& link,
                          std::chrono::milliseconds within = std::chrono::milliseconds(2500));

/// The same for both ends of a veth pair.
Result<> AwaitBothEnds(netlink::RouteSocket& socket, const Link& host_end,
                       ContainerLink& container_end);

}  // namespace trivet::cni
