#pragma once

#include <vector>

#include "cni/portmap/host_port.h"
#include "common/base/error.h"

namespace trivet::cni {

// nat decides once for each connection, by its first packet: what the kernel remembers of before a
// change goes on as before, and with UDP, for as long as somebody sends.

/// For ADD: connections to `ports` that do not lead to their containers. TCP's are left alone: they
/// belong to a process of the node.
Result<> ForgetStrayFlows(const std::vector<HostPort>& ports);

/// For DEL: connections by `ports` to their containers.
Result<> ForgetTranslatedFlows(const std::vector<HostPort>& ports);

}  // namespace trivet::cni
