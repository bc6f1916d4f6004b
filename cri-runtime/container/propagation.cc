#include "cri-runtime/container/propagation.h"

#include "common/linux/mount_peers.h"

namespace trivet::container {
namespace {

Result<> Check(const std::optional<MountPeers>& peers, std::string_view path,
               Propagation propagation) {
  if (!peers) {
    return Fail(Code::kFailedPrecondition, "propagation: the mount of {} is gone", path);
  }
  if (peers->shared || (peers->slave && propagation == Propagation::kHostToContainer)) return {};
  return Fail(Code::kFailedPrecondition,
              "propagation: {} is on {}, which is not a shared mount (mount --make-rshared)", path,
              peers->mount_point);
}

}  // namespace

Result<> CheckPropagation(std::string_view mountinfo, uint64_t mount_id, std::string_view path,
                          Propagation propagation) {
  return Check(FindMountPeers(mountinfo, mount_id), path, propagation);
}

Result<> CheckPropagation(int source_fd, std::string_view path, Propagation propagation) {
  if (propagation == Propagation::kPrivate) return {};
  ASSIGN_OR_RETURN(const auto peers, ReadMountPeers(source_fd, path));
  return Check(peers, path, propagation);
}

}  // namespace trivet::container
