#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/checkpoint/criu.h"
#include "cri-runtime/node.h"
#include "cri-runtime/state/snapshot.h"

namespace trivet::checkpoint {

/// A running container and the archive it is saved to.
struct Target {
  std::shared_ptr<const state::Container> container;
  std::filesystem::path archive;  // replaced; its folder is there
};

/// Saves containers as they are at one instant: all are frozen before the first is captured and run
/// on when the last is, whatever happens. Nothing is left of a failure.
///
/// An archive is a tar file: config.dump and spec.dump (see metadata.h), checkpoint/ with CRIU's
/// images, rootfs-diff.tar with what the container changed of its image, dump.log, stats-dump.
/// Errors: kUnimplemented without CRIU; kFailedPrecondition with what it says; kDeadlineExceeded;
/// kAborted while another checkpoint of one of them is at work.
Result<> Save(cri::Node& node, const std::vector<Target>& targets, Deadline deadline);

}  // namespace trivet::checkpoint
