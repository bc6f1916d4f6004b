#include "csi/filesystem/grow.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cstring>

#include "csi/filesystem/tool.h"

namespace trivet::csi {
namespace {

// The two interfaces have no installed header of their own.
constexpr unsigned long kExt4ResizeFs = _IOW('f', 16, uint64_t);
struct XfsGrowData {
  uint64_t new_blocks;
  uint32_t inode_percent;
};
constexpr unsigned long kXfsGrowData = _IOW('X', 110, XfsGrowData);

int GrowBtrfs(int fd) {
  btrfs_ioctl_vol_args arguments{};
  std::memcpy(arguments.name, "max", sizeof("max"));  // its only device, to the end
  return ::ioctl(fd, BTRFS_IOC_RESIZE, &arguments);
}

int Grow(int fd, const Superblock& superblock, uint64_t blocks) {
  if (superblock.file_system == FileSystem::kExt4) return ::ioctl(fd, kExt4ResizeFs, &blocks);
  if (superblock.file_system == FileSystem::kBtrfs) return GrowBtrfs(fd);
  XfsGrowData data{.new_blocks = blocks, .inode_percent = superblock.inode_percent};
  return ::ioctl(fd, kXfsGrowData, &data);
}

// e2fsck(8): 0 = clean, 1 = repaired; from 4 on something is left.
Result<> CheckExt4(const std::filesystem::path& device) {
  constexpr auto kDeadline = std::chrono::minutes(30);
  constexpr int kLeftUncorrected = 4;
  ASSIGN_OR_RETURN(const ToolOutcome outcome, RunTool({"e2fsck", "-f", "-p", device}, kDeadline));
  if (outcome.exit_status < kLeftUncorrected) return {};
  return Fail(Code::kDataLoss, "e2fsck: exit status {}: {}", outcome.exit_status, outcome.said);
}

}  // namespace

Result<uint64_t> DeviceBytes(const BlockDevice& device) {
  uint64_t bytes = 0;
  if (::ioctl(device.fd.get(), BLKGETSIZE64, &bytes) == 0) return bytes;
  return FailErrno("size of {}", device.path.native());
}

bool IsSmaller(const Superblock& superblock, uint64_t device_bytes) {
  return superblock.block_bytes != 0 && superblock.blocks < device_bytes / superblock.block_bytes;
}

Result<> GrowUnmounted(FileSystem file_system, const BlockDevice& device) {
  constexpr auto kDeadline = std::chrono::minutes(30);
  if (GrowsOnlyMounted(file_system)) return {};
  RETURN_IF_ERROR(CheckExt4(device.path));
  return RunToolChecked({"resize2fs", device.path}, kDeadline);
}

Result<> GrowMounted(const Superblock& superblock, const std::filesystem::path& target,
                     uint64_t device_bytes) {
  const UniqueFd fd(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", target.native());
  if (Grow(fd.get(), superblock, device_bytes / superblock.block_bytes) == 0) return {};
  if (errno == EPERM) {
    return Fail(Code::kFailedPrecondition,
                "grow the mounted file system: not permitted (ext4 needs CAP_SYS_RESOURCE); it "
                "grows when the volume is staged again");
  }
  return FailErrno("grow the file system at {}", target.native());
}

}  // namespace trivet::csi
