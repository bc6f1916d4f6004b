#pragma once

#include <cstdint>
#include <string>

#include "cri-runtime/sandbox/record.h"
#include "cri-runtime/state/snapshot.h"

/// The texts beside CRIU's images in a checkpoint, in the form that other runtimes write and that
/// checkpointctl reads.
/// Source: github.com/checkpoint-restore/checkpointctl/lib/metadata.go.
namespace trivet::checkpoint {

/// "config.dump": which container of which image, and when. `now_ns` is Unix time.
std::string ConfigDump(const state::Container& container, int64_t now_ns);

/// "spec.dump": what the OCI runtime specification calls config.json, as far as it says what runs:
/// process, user, mounts of the request, control group; and whose it is, as annotations.
std::string SpecDump(const state::Container& container, const sandbox::Record& pod);

/// "pod.options" of a pod's checkpoint: the containers' names and their ids.
std::string PodOptions(const std::vector<std::shared_ptr<const state::Container>>& containers);

}  // namespace trivet::checkpoint
