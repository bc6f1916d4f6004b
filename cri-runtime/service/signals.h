#pragma once

#include <optional>

#include "proto/cri/api.pb.h"

namespace trivet::cri {

/// The kernel's number of a CRI signal; 0 for SIGNAL_RUNTIME_DEFAULT, nothing for an unknown one.
std::optional<int> NumberOfSignal(::runtime::v1::Signal signal);
/// The CRI's name of a signal number; SIGNAL_RUNTIME_DEFAULT for one it has no name for.
::runtime::v1::Signal SignalOfNumber(int number);

}  // namespace trivet::cri
