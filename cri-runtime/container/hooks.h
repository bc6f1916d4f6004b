#pragma once

#include <chrono>

#include "common/base/error.h"
#include "cri-runtime/container/fd_table.h"
#include "cri-runtime/container/record.h"
#include "cri-runtime/paths.h"
#include "proto/trivet/shim.h"

namespace trivet::container {

/// Adds the hooks of the record's CDI devices to `spec`, and makes what they are told of: the
/// bundle, upper/<container>/bundle, whose config.json names the container's root. That is
/// shims/<sandbox>/root, in the container's mount namespace alone and until its root is entered.
Result<> AddHooks(const Record& record, const cri::Paths& paths, const sandbox::Config& pod,
                  shim::ContainerSpec& spec, FdTable& fds);

/// How long a start may take for its hooks alone.
std::chrono::milliseconds TimeOfStartHooks(const Config& config);

}  // namespace trivet::container
