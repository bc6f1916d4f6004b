#pragma once

#include <string_view>

#include "common/base/error.h"

namespace trivet {

/// Tells the service manager `state` ("READY=1") when it asked to be told; without a manager
/// nothing happens. Errors: kInvalidArgument when $NOTIFY_SOCKET is no socket's path. Source: man 3
/// sd_notify.
Result<> NotifyServiceManager(std::string_view state);

}  // namespace trivet
