#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/checkpoint/criu.h"
#include "cri-runtime/container/containers.h"

namespace trivet::checkpoint {

struct PodTarget {
  std::string sandbox_id;
  std::vector<std::string> container_ids;
  std::filesystem::path folder;  // the caller's, and empty
};

/// Saves running containers of a pod at one instant, as Save: <id>.tar of each, pod.options with
/// their names, pod.dump with what the sandbox was asked to be. The folder is empty after a
/// failure. Errors: kNotFound; kInvalidArgument for ids that repeat, are none or are another pod's,
/// and for a folder that is not empty; kFailedPrecondition when the pod or one of them does not
/// run.
Result<> SavePod(cri::Node& node, container::Containers& containers, const PodTarget& target,
                 Deadline deadline);

}  // namespace trivet::checkpoint
