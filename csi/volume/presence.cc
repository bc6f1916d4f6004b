#include "csi/volume/presence.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "common/linux/file.h"

namespace trivet::csi {
namespace {

// None: the kernel does not say here, or not without the disk's help.
std::optional<Sight> AskAbout(const std::filesystem::path& path, const dev_t* device) {
  constexpr int kFlags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  struct statx found{};
  if (::statx(AT_FDCWD, path.c_str(), kFlags, STATX_TYPE, &found) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Sight::kNoMount;
    return std::nullopt;
  }
  if ((found.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0) return std::nullopt;
  if ((found.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) return Sight::kNoMount;
  if (device == nullptr) return std::nullopt;
  const bool is_node =
      S_ISBLK(found.stx_mode) && makedev(found.stx_rdev_major, found.stx_rdev_minor) == *device;
  if (is_node || makedev(found.stx_dev_major, found.stx_dev_minor) == *device) {
    return Sight::kTheDevice;
  }
  return std::nullopt;
}

Result<Sight> Look(const std::filesystem::path& path, const DeviceName* device) {
  if (const auto sight = AskAbout(path, device == nullptr ? nullptr : &device->number)) {
    return *sight;
  }
  ASSIGN_OR_RETURN(const MountTable table, MountTable::Read());
  const MountEntry* entry = table.At(path);
  if (entry == nullptr) return Sight::kNoMount;
  return device != nullptr && Shows(*entry, *device) ? Sight::kTheDevice : Sight::kOtherMount;
}

}  // namespace

bool Shows(const MountEntry& entry, const DeviceName& device) {
  if (entry.device == device.number) return true;
  // A bound node: the entry's file system is /dev's, its root the node's name there.
  const bool is_dev = entry.type == "devtmpfs" || entry.type == "tmpfs";
  return is_dev && entry.root.ends_with("/" + device.path.filename().native());
}

bool IsAt(const MountTable& table, const std::filesystem::path& path, const DeviceName& device) {
  const MountEntry* entry = table.At(path);
  return entry != nullptr && Shows(*entry, device);
}

Result<Sight> LookAt(const std::filesystem::path& path, const DeviceName& device) {
  return Look(path, &device);
}

Result<> UnmountAll(const std::filesystem::path& target, const DeviceName* device) {
  constexpr int kMostLayers = 64;
  for (int layer = 0; layer < kMostLayers; ++layer) {
    ASSIGN_OR_RETURN(const Sight sight, Look(target, device));
    if (sight == Sight::kNoMount) return {};
    if (sight == Sight::kOtherMount) {
      return Fail(Code::kFailedPrecondition, "unmount {}: a foreign {} is mounted there",
                  target.native(), TypeOfMountAt(target));
    }
    if (::umount2(target.c_str(), UMOUNT_NOFOLLOW) != 0) {
      return FailErrno("unmount {}", target.native());
    }
  }
  return Fail(Code::kInternal, "unmount {}: still mounted after {} layers", target.native(),
              kMostLayers);
}

std::string TypeOfMountAt(const std::filesystem::path& path) {
  const auto table = MountTable::Read();
  const MountEntry* entry = table ? table->At(path) : nullptr;
  return entry == nullptr ? "mount" : entry->type;
}

pid_t ForeignHolder(const DeviceName& device) {
  std::error_code error;
  std::set<std::filesystem::path> seen = {
      std::filesystem::read_symlink("/proc/self/ns/mnt", error)};
  for (const std::string& name : ListDirectory("/proc").value_or(std::vector<std::string>())) {
    const std::filesystem::path process = std::filesystem::path("/proc") / name;
    const auto space = std::filesystem::read_symlink(process / "ns/mnt", error);
    if (error || !seen.insert(space).second) continue;
    const auto table = MountTable::Read(process / "mountinfo");
    if (table && IsAnywhere(*table, device)) return static_cast<pid_t>(std::atoi(name.c_str()));
  }
  return 0;
}

bool IsAnywhere(const MountTable& table, const DeviceName& device) {
  return std::ranges::any_of(table.entries(),
                             [&](const MountEntry& entry) { return Shows(entry, device); });
}

}  // namespace trivet::csi
