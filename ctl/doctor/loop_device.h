#pragma once

#include "ctl/doctor/check.h"

namespace trivet::ctl::doctor {

/// Attaches 64 KiB of memory to a free loop device and lets go of it; a device that came into
/// being for it goes again.
Result<Answer> ProbeLoopDevice(const Host& host);

}  // namespace trivet::ctl::doctor
