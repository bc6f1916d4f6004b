#include "cri-runtime/container/propagation.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/base/text.h"
#include "common/linux/file.h"

namespace trivet::container {
namespace {

// "36 35 98:0 /root /mnt rw,noatime shared:1 master:2 - ext3 …". Source: man 5 proc.
struct MountLine {
  std::string_view mount_point;
  bool shared = false;
  bool slave = false;
};

MountLine Parse(const std::vector<std::string_view>& fields) {
  constexpr size_t kMountPoint = 4;
  constexpr size_t kFirstOptional = 6;
  MountLine line{.mount_point = fields.size() > kMountPoint ? fields[kMountPoint] : ""};
  for (size_t i = kFirstOptional; i < fields.size() && fields[i] != "-"; ++i) {
    line.shared |= fields[i].starts_with("shared:");
    line.slave |= fields[i].starts_with("master:");
  }
  return line;
}

}  // namespace

Result<> CheckPropagation(std::string_view mountinfo, uint64_t mount_id, std::string_view path,
                          Propagation propagation) {
  const std::string id = std::to_string(mount_id);
  for (const std::string_view text : SplitAt(mountinfo, '\n')) {
    const auto fields = SplitAt(text, ' ');
    if (fields.empty() || fields.front() != id) continue;
    const MountLine line = Parse(fields);
    if (line.shared || (line.slave && propagation == Propagation::kHostToContainer)) return {};
    return Fail(Code::kFailedPrecondition,
                "propagation: {} is on {}, which is not a shared mount (mount --make-rshared)",
                path, line.mount_point);
  }
  return Fail(Code::kFailedPrecondition, "propagation: the mount of {} is gone", path);
}

Result<> CheckPropagation(int source_fd, std::string_view path, Propagation propagation) {
  if (propagation == Propagation::kPrivate) return {};
  struct statx status{};
  if (::statx(source_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0) {
    return FailErrno("stat {}", path);
  }
  ASSIGN_OR_RETURN(const std::string mountinfo, ReadFile("/proc/self/mountinfo"));
  return CheckPropagation(mountinfo, status.stx_mnt_id, path, propagation);
}

}  // namespace trivet::container
