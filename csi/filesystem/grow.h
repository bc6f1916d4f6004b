#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "csi/filesystem/superblock.h"
#include "csi/pool/loop_device.h"

namespace trivet::csi {

/// The device's size in bytes. Source: BLKGETSIZE64, linux/fs.h.
Result<uint64_t> DeviceBytes(const BlockDevice& device);

/// Whether the file system leaves at least one of its blocks of the device unused.
bool IsSmaller(const Superblock& superblock, uint64_t device_bytes);

/// Grows an unmounted ext4 to its device by e2fsck and resize2fs; does nothing
/// for xfs and btrfs, which grow only when they are mounted. Repeatable.
/// Errors: kDataLoss when e2fsck finds what it cannot repair.
Result<> GrowUnmounted(FileSystem file_system, const BlockDevice& device);

/// Grows the file system mounted at `target` to its device, by ioctl. Repeatable.
/// Errors: kFailedPrecondition when the kernel does not let us grow it while it is
/// mounted (ext4 without CAP_SYS_RESOURCE): it grows when it is staged again.
/// Source: EXT4_IOC_RESIZE_FS, fs/ext4/ioctl.c; XFS_IOC_FSGROWFSDATA, xfs_fs.h; BTRFS_IOC_RESIZE,
/// linux/btrfs.h.
Result<> GrowMounted(const Superblock& superblock, const std::filesystem::path& target,
                     uint64_t device_bytes);

}  // namespace trivet::csi
