#include "csi/filesystem/superblock.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace trivet::csi {
namespace {

using Area = std::span<const uint8_t, kSuperblockAreaBytes>;

// The field's offset in the area; ext4 is little-endian, xfs big-endian.
uint64_t Little(Area area, size_t offset, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = (value << 8) | area[offset + i];
  return value;
}

uint64_t Big(Area area, size_t offset, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = (value << 8) | area[offset + i];
  return value;
}

std::string Uuid(Area area, size_t offset) {
  std::string text;
  for (size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", area[offset + i]);
  }
  return text;
}

constexpr size_t kExt4Start = 1024;

bool IsExt4(Area area) {
  constexpr uint16_t kMagic = 0xEF53;       // s_magic
  constexpr uint32_t kMaxLogBlockSize = 6;  // 64 KiB
  return Little(area, kExt4Start + 0x38, 2) == kMagic &&
         Little(area, kExt4Start + 0x18, 4) <= kMaxLogBlockSize;
}

Superblock ParseExt4(Area area) {
  constexpr uint32_t kIncompat64Bit = 0x80;
  constexpr uint16_t kStateErrors = 0x2;
  Superblock block{.file_system = FileSystem::kExt4};
  block.block_bytes = 1024U << Little(area, kExt4Start + 0x18, 4);   // s_log_block_size
  block.blocks = Little(area, kExt4Start + 0x04, 4);                 // s_blocks_count_lo
  if ((Little(area, kExt4Start + 0x60, 4) & kIncompat64Bit) != 0) {  // s_feature_incompat
    block.blocks |= Little(area, kExt4Start + 0x150, 4) << 32;       // s_blocks_count_hi
  }
  block.has_errors = (Little(area, kExt4Start + 0x3A, 2) & kStateErrors) != 0;  // s_state
  block.uuid = Uuid(area, kExt4Start + 0x68);                                   // s_uuid
  return block;
}

bool IsXfs(Area area) {
  constexpr uint32_t kMagic = 0x58465342;  // sb_magicnum, "XFSB"
  return Big(area, 0, 4) == kMagic;
}

Superblock ParseXfs(Area area) {
  Superblock block{.file_system = FileSystem::kXfs};
  block.block_bytes = static_cast<uint32_t>(Big(area, 4, 4));  // sb_blocksize
  block.blocks = Big(area, 8, 8);                              // sb_dblocks
  block.uuid = Uuid(area, 32);                                 // sb_uuid
  block.inode_percent = area[127];                             // sb_imax_pct
  return block;
}

constexpr size_t kBtrfsStart = 64 << 10;

bool IsBtrfs(Area area) {
  constexpr std::string_view kMagic = "_BHRfS_M";
  return std::ranges::equal(area.subspan<kBtrfsStart + 0x40, kMagic.size()>(), kMagic);
}

Superblock ParseBtrfs(Area area) {
  Superblock block{.file_system = FileSystem::kBtrfs};
  block.uuid = Uuid(area, kBtrfsStart + 0x20);                                     // fsid
  block.block_bytes = static_cast<uint32_t>(Little(area, kBtrfsStart + 0x90, 4));  // sectorsize
  if (block.block_bytes == 0) return block;
  block.blocks = Little(area, kBtrfsStart + 0x70, 8) / block.block_bytes;  // total_bytes
  return block;
}

}  // namespace

Superblock ParseSuperblock(Area area) {
  if (IsXfs(area)) return ParseXfs(area);
  if (IsExt4(area)) return ParseExt4(area);
  if (IsBtrfs(area)) return ParseBtrfs(area);
  return {.blank = std::ranges::all_of(area, [](uint8_t byte) { return byte == 0; })};
}

Result<Superblock> ReadSuperblock(int fd) {
  std::vector<uint8_t> area(kSuperblockAreaBytes);
  size_t filled = 0;
  while (filled < area.size()) {
    const ssize_t n =
        ::pread(fd, area.data() + filled, area.size() - filled, static_cast<off_t>(filled));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("read superblock");
    if (n == 0) return Fail(Code::kDataLoss, "read superblock: the device ends at {}", filled);
    filled += static_cast<size_t>(n);
  }
  return ParseSuperblock(std::span(area).first<kSuperblockAreaBytes>());
}

}  // namespace trivet::csi
