#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace trivet {

/// Where a mount is, and how mounts below it spread. Source: man 5 proc, mountinfo; man 7
/// mount_namespaces.
struct MountPeers {
  std::string mount_point;  // blanks and the like are written \040
  bool shared = false;      // what is mounted below it goes out, and comes in
  bool slave = false;       // it comes in
};

/// Of the mount `mount_id` in a text of the form of /proc/self/mountinfo; nothing when it is not
/// there.
std::optional<MountPeers> FindMountPeers(std::string_view mountinfo, uint64_t mount_id);

/// Of the mount that `fd`, of `path`, is on, in this process's mount namespace.
Result<std::optional<MountPeers>> ReadMountPeers(int fd, std::string_view path);

}  // namespace trivet
