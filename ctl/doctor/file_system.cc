#include "ctl/doctor/file_system.h"

#include <linux/magic.h>

#include <algorithm>
#include <array>

namespace trivet::ctl::doctor {
namespace {

constexpr uint64_t kFreeBytes = uint64_t{5} << 30;
constexpr uint64_t kFreeInodes = 100'000;

struct Known {
  uint32_t magic;
  const char* name;
  bool takes_overlay;  // as the upper folder's file system
};
// Source: linux/magic.h; those that linux/magic.h has not: fs/<name>/ of the kernel.
constexpr std::array kKnown = {Known{EXT4_SUPER_MAGIC, "ext4", true},
                               Known{XFS_SUPER_MAGIC, "xfs", true},
                               Known{BTRFS_SUPER_MAGIC, "btrfs", true},
                               Known{F2FS_SUPER_MAGIC, "f2fs", true},
                               Known{TMPFS_MAGIC, "tmpfs", true},
                               Known{0x2fc12fc1, "zfs", true},
                               Known{OVERLAYFS_SUPER_MAGIC, "overlay", false},
                               Known{NFS_SUPER_MAGIC, "nfs", false},
                               Known{FUSE_SUPER_MAGIC, "fuse", false},
                               Known{MSDOS_SUPER_MAGIC, "vfat", false},
                               Known{SQUASHFS_MAGIC, "squashfs", false},
                               Known{V9FS_MAGIC, "9p", false},
                               Known{RAMFS_MAGIC, "ramfs", false},
                               Known{PROC_SUPER_MAGIC, "proc", false}};

const Known* Find(uint32_t magic) {
  const auto found = std::ranges::find(kKnown, magic, &Known::magic);
  return found == kKnown.end() ? nullptr : &*found;
}

}  // namespace

std::string NameOfMagic(uint32_t magic) {
  const Known* known = Find(magic);
  return known != nullptr ? known->name : fmt::format("a file system of type {:#x}", magic);
}

Answer JudgeState(const FileSystem& found) {
  const std::string name = NameOfMagic(found.magic);
  const Known* known = Find(found.magic);
  if (found.read_only) return {State::kMissing, name + ", read-only"};
  if (known == nullptr) return {State::kLimited, name + ", which is not tested"};
  if (!known->takes_overlay) {
    return {State::kMissing, name + ", on which overlayfs cannot write"};
  }
  if (found.magic == TMPFS_MAGIC) return {State::kLimited, name + ": images cost memory"};
  if (found.free_bytes < kFreeBytes) {
    return {State::kLimited, fmt::format("{}, {} MiB free", name, found.free_bytes >> 20)};
  }
  if (found.inodes != 0 && found.free_inodes < kFreeInodes) {
    return {State::kLimited, fmt::format("{}, {} inodes free", name, found.free_inodes)};
  }
  return {State::kOk, fmt::format("{}, {} GiB free", name, found.free_bytes >> 30)};
}

Answer JudgeRun(const FileSystem& found) {
  const std::string name = NameOfMagic(found.magic);
  if (found.read_only) return {State::kMissing, name + ", read-only"};
  if (found.magic == TMPFS_MAGIC || found.magic == RAMFS_MAGIC) return {State::kOk, name};
  return {State::kLimited, name + ": sockets of before a reboot stay"};
}

}  // namespace trivet::ctl::doctor
