#include "ctl/node/pod_volumes.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "common/linux/path_in_root.h"
#include "ctl/node/host_path.h"
#include "ctl/node/ownership.h"

namespace trivet::ctl {
namespace {

Result<MountedVolume> MountClaim(Node& node, const Pod& pod, const Record& record,
                                 const Volume& volume) {
  ASSIGN_OR_RETURN(const auto claim_record,
                   node.records.Find(Record::Kind::kClaim, record.name_space, volume.claim_name));
  if (!claim_record) {
    return Fail(Code::kNotFound, "claim {}/{} does not exist", record.name_space,
                volume.claim_name);
  }
  const json::Value object = claim_record->Object();
  Warnings warnings;
  ASSIGN_OR_RETURN(const Claim claim,
                   ReadClaim(Fields(object, claim_record->Path(), "", warnings)));
  return node.volumes.Publish(
      claim, *claim_record,
      {.pod_uid = record.uid, .read_only = volume.read_only, .fs_group = pod.security.fs_group});
}

Result<> MountTmpfs(const std::filesystem::path& folder, const Volume& volume) {
  ASSIGN_OR_RETURN(const bool mounted, IsMountPoint(folder));
  if (mounted) return {};
  MountOptions options{{"mode", "0777"}};
  if (volume.size_limit_bytes)
    options.emplace_back("size", std::to_string(*volume.size_limit_bytes));
  ASSIGN_OR_RETURN(auto tmpfs, DetachedMount::Tmpfs(options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  return std::move(tmpfs).AttachTo(folder);
}

Result<MountedVolume> MakeEmptyDir(Node& node, const Pod& pod, const Record& record,
                                   const Volume& volume) {
  std::filesystem::path folder = node.paths.EmptyDir(record.uid, volume.name);
  RETURN_IF_ERROR(EnsureDirectory(folder));
  if (volume.in_memory) RETURN_IF_ERROR(MountTmpfs(folder, volume), "memory volume");
  // Whatever the umask says: any user of the pod may write.
  if (::chmod(folder.c_str(), 0777) != 0) return FailErrno("change mode of {}", folder.native());
  if (pod.security.fs_group)
    RETURN_IF_ERROR(GiveToGroup(folder, *pod.security.fs_group), "fsGroup");
  return MountedVolume{.host_path = std::move(folder), .relabel = true};
}

Result<MountedVolume> MountVolume(Node& node, const Pod& pod, const Record& record,
                                  const Volume& volume) {
  switch (volume.kind) {
    case Volume::Kind::kClaim:
      return MountClaim(node, pod, record, volume);
    case Volume::Kind::kEmptyDir:
      return MakeEmptyDir(node, pod, record, volume);
    case Volume::Kind::kHostPath:
      RETURN_IF_ERROR(EnsureHostPath(volume));
      return MountedVolume{.host_path = volume.host_path};
  }
  return Fail(Code::kInternal, "unknown kind of volume");
}

Result<> BindSubPath(const MountedVolume& volume, const std::string& sub_path,
                     const std::filesystem::path& target) {
  RETURN_IF_ERROR(EnsureDirectory(target.parent_path()));
  std::error_code error;
  const bool there = std::filesystem::exists(std::filesystem::symlink_status(target, error));
  if (there) {
    ASSIGN_OR_RETURN(const bool mounted, IsMountPoint(target));
    if (mounted) return {};
  }
  const UniqueFd root(::open(volume.host_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return FailErrno("open {}", volume.host_path.native());
  auto source = OpenInRoot(root.get(), sub_path, O_PATH);
  if (!source) source = EnsureDirectoryInRoot(root.get(), sub_path, 0750);
  if (!source) return std::unexpected(std::move(source).error());

  struct stat status{};
  if (::fstat(source->get(), &status) != 0) return FailErrno("stat {}", sub_path);
  RETURN_IF_ERROR(S_ISDIR(status.st_mode) ? EnsureDirectory(target)
                                          : WriteFileVolatile(target, ""));
  ASSIGN_OR_RETURN(auto bind, DetachedMount::Bind(source->get()));
  return std::move(bind).AttachTo(target);
}

// Every mount point of ours below `folder` is a direct child, or a child of a child.
Result<> UnmountChildren(const std::filesystem::path& folder, int depth) {
  auto names = ListDirectory(folder);
  if (!names && names.error().code() == Code::kNotFound) return {};
  if (!names) return std::unexpected(std::move(names).error());
  for (const std::string& name : *names) {
    if (depth > 1) {
      RETURN_IF_ERROR(UnmountChildren(folder / name, depth - 1));
    } else {
      RETURN_IF_ERROR(Unmount(folder / name, true));
    }
  }
  return {};
}

Result<bool> IsUsedByAnotherPod(Node& node, const Record& pod, const std::string& claim) {
  ASSIGN_OR_RETURN(const auto pods, node.records.List(Record::Kind::kPod));
  for (const Record& other : pods) {
    if (other.uid == pod.uid || other.name_space != pod.name_space) continue;
    if (std::ranges::find(other.claims, claim) != other.claims.end()) return true;
  }
  return false;
}

Result<> UnmountClaim(Node& node, const Record& record, const std::string& name) {
  ASSIGN_OR_RETURN(const auto claim,
                   node.records.Find(Record::Kind::kClaim, record.name_space, name));
  if (!claim) return {};
  RETURN_IF_ERROR(node.volumes.Unpublish(*claim, record.uid));
  ASSIGN_OR_RETURN(const bool used, IsUsedByAnotherPod(node, record, name));
  if (used) return {};
  return node.volumes.Unstage(*claim);
}

}  // namespace

Result<MountedVolumes> MountVolumes(Node& node, const Pod& pod, const Record& record) {
  MountedVolumes volumes;
  for (const Volume& volume : pod.volumes) {
    ASSIGN_OR_RETURN(volumes[volume.name], MountVolume(node, pod, record, volume),
                     "volume " + volume.name);
  }
  return volumes;
}

Result<std::map<size_t, std::filesystem::path>> MountSubPaths(Node& node,
                                                              const Container& container,
                                                              const Record& record,
                                                              const MountedVolumes& volumes) {
  std::map<size_t, std::filesystem::path> paths;
  for (size_t i = 0; i < container.mounts.size(); ++i) {
    const VolumeMount& mount = container.mounts[i];
    if (mount.sub_path.empty()) continue;
    const auto target = node.paths.SubPath(record.uid, container.name, i);
    RETURN_IF_ERROR(BindSubPath(volumes.at(mount.name), mount.sub_path, target),
                    fmt::format("volume {}: subPath {}", mount.name, mount.sub_path));
    paths[i] = target;
  }
  return paths;
}

Result<> UnmountVolumes(Node& node, const Record& record) {
  const std::filesystem::path pod = node.paths.Pod(record.uid);
  RETURN_IF_ERROR(UnmountChildren(pod / "volume-subpaths", 2));
  RETURN_IF_ERROR(UnmountChildren(node.paths.EmptyDir(record.uid, ""), 1));
  for (const std::string& claim : record.claims) {
    RETURN_IF_ERROR(UnmountClaim(node, record, claim), "claim " + claim);
  }
  return RemoveUnmountedTree(pod);
}

}  // namespace trivet::ctl
