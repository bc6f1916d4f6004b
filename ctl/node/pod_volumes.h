#pragma once

#include <map>

#include "common/base/error.h"
#include "ctl/node/node.h"
#include "ctl/object/pod.h"

namespace trivet::ctl {

/// Makes every volume of the pod ready on this node; repeatable.
Result<MountedVolumes> MountVolumes(Node& node, const Pod& pod, const Record& record);

/// Binds what the container's mounts with subPath name, by descriptor: a link in the volume
/// cannot lead out of it. By the index of the mount.
Result<std::map<size_t, std::filesystem::path>> MountSubPaths(Node& node,
                                                              const Container& container,
                                                              const Record& record,
                                                              const MountedVolumes& volumes);

/// Undoes both, and removes the pod's folder. Needs the record only; repeatable.
Result<> UnmountVolumes(Node& node, const Record& record);

}  // namespace trivet::ctl
