#pragma once

#include <signal.h>

#include <chrono>
#include <functional>
#include <optional>

#include "common/base/error.h"

namespace trivet::cri {

/// Until SIGTERM or SIGINT: reloads at SIGHUP, and tells the service manager that this process
/// lives while `is_alive` comes back, as often as it asked (WATCHDOG_USEC). Returns the signal.
/// Source: man 3 sd_notify, man 3 sd_watchdog_enabled.
int RunUntilStopped(const sigset_t& signals, const std::function<void()>& reload,
                    const std::function<void()>& is_alive);

/// How often the service manager wants to hear; nothing when it does not ask this process.
std::optional<std::chrono::microseconds> WatchdogInterval();

}  // namespace trivet::cri
