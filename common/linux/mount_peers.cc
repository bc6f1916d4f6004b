#include "common/linux/mount_peers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/base/text.h"
#include "common/linux/file.h"

namespace trivet {
namespace {

// "36 35 98:0 /root /mnt rw,noatime shared:1 master:2 - ext3 …"
MountPeers Parse(const std::vector<std::string_view>& fields) {
  constexpr size_t kMountPoint = 4;
  constexpr size_t kFirstOptional = 6;
  MountPeers peers;
  if (fields.size() > kMountPoint) peers.mount_point = fields[kMountPoint];
  for (size_t i = kFirstOptional; i < fields.size() && fields[i] != "-"; ++i) {
    peers.shared |= fields[i].starts_with("shared:");
    peers.slave |= fields[i].starts_with("master:");
  }
  return peers;
}

}  // namespace

std::optional<MountPeers> FindMountPeers(std::string_view mountinfo, uint64_t mount_id) {
  const std::string start = std::to_string(mount_id) + " ";
  for (const std::string_view line : SplitAt(mountinfo, '\n')) {
    if (line.starts_with(start)) return Parse(SplitAt(line, ' '));
  }
  return std::nullopt;
}

Result<std::optional<MountPeers>> ReadMountPeers(int fd, std::string_view path) {
  struct statx status{};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0) return FailErrno("stat {}", path);
  ASSIGN_OR_RETURN(const std::string mountinfo, ReadFile("/proc/self/mountinfo"));
  return FindMountPeers(mountinfo, status.stx_mnt_id);
}

}  // namespace trivet
