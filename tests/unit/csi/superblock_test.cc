#include "csi/filesystem/superblock.h"

#include <algorithm>
#include <random>

#include "csi/filesystem/mkfs.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

using Area = std::vector<uint8_t>;

Area Blank() {
  return Area(kSuperblockAreaBytes);
}

Superblock ParseArea(const Area& area) {
  return ParseSuperblock(std::span(area).first<kSuperblockAreaBytes>());
}

void Put(Area& area, size_t offset, std::initializer_list<uint8_t> bytes) {
  std::ranges::copy(bytes, area.begin() + static_cast<std::ptrdiff_t>(offset));
}

// The fields by the offsets of Documentation/filesystems/ext4/super.rst.
Area Ext4() {
  Area area = Blank();
  Put(area, 1024 + 0x04, {0x00, 0x40, 0, 0});        // 16384 blocks
  Put(area, 1024 + 0x18, {2, 0, 0, 0});              // of 4096 bytes
  Put(area, 1024 + 0x38, {0x53, 0xEF, 1, 0});        // magic, state clean
  Put(area, 1024 + 0x60, {0x80, 0, 0, 0});           // 64bit
  Put(area, 1024 + 0x68, {0x5e, 0x9c, 0x1f, 0x6e});  // UUID
  Put(area, 1024 + 0x150, {1, 0, 0, 0});             // blocks, high half
  return area;
}

// The fields by the offsets of struct xfs_dsb, fs/xfs/libxfs/xfs_format.h.
Area Xfs() {
  Area area = Blank();
  Put(area, 0, {'X', 'F', 'S', 'B', 0, 0, 0x10, 0});  // magic, 4096-byte blocks
  Put(area, 8, {0, 0, 0, 0, 0, 1, 0x2C, 0});          // 76800 blocks
  Put(area, 32, {0x5e, 0x9c, 0x1f, 0x6e});            // UUID
  Put(area, 127, {25});                               // imaxpct
  return area;
}

// The fields by the offsets of struct btrfs_super_block, include/uapi/linux/btrfs_tree.h.
Area Btrfs() {
  constexpr size_t kStart = 64 << 10;
  Area area = Blank();
  Put(area, kStart + 0x20, {0x5e, 0x9c, 0x1f, 0x6e});                  // fsid
  Put(area, kStart + 0x40, {'_', 'B', 'H', 'R', 'f', 'S', '_', 'M'});  // magic
  Put(area, kStart + 0x70, {0, 0, 0, 8});                              // 128 MiB
  Put(area, kStart + 0x90, {0, 0x10, 0, 0});                           // 4096-byte sectors
  return area;
}

constexpr const char* kUuid = "5e9c1f6e-0000-0000-0000-000000000000";

TEST(ParseSuperblock, ReadsBtrfs) {
  const Superblock block = ParseArea(Btrfs());

  EXPECT_EQ(block.file_system, FileSystem::kBtrfs);
  EXPECT_EQ(block.uuid, kUuid);
  EXPECT_EQ(block.size_bytes(), uint64_t{128} << 20);
}

TEST(ParseSuperblock, ReadsExt4) {
  const Superblock block = ParseArea(Ext4());

  EXPECT_EQ(block.file_system, FileSystem::kExt4);
  EXPECT_EQ(block.uuid, kUuid);
  EXPECT_EQ(block.block_bytes, 4096U);
  EXPECT_EQ(block.blocks, (uint64_t{1} << 32) + 16384);
  EXPECT_FALSE(block.has_errors);
}

TEST(ParseSuperblock, SeesThatTheKernelRecordedErrors) {
  Area area = Ext4();
  area[1024 + 0x3A] = 2;
  EXPECT_TRUE(ParseArea(area).has_errors);
}

TEST(ParseSuperblock, ReadsXfs) {
  const Superblock block = ParseArea(Xfs());

  EXPECT_EQ(block.file_system, FileSystem::kXfs);
  EXPECT_EQ(block.uuid, kUuid);
  EXPECT_EQ(block.size_bytes(), uint64_t{300} << 20);
  EXPECT_EQ(block.inode_percent, 25U);
}

TEST(ParseSuperblock, CallsOnlyZerosBlank) {
  EXPECT_TRUE(ParseArea(Blank()).blank);
  Area area = Blank();
  area.back() = 1;
  EXPECT_FALSE(ParseArea(area).blank);
}

TEST(ParseSuperblock, SurvivesAnyBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Area area = round % 2 == 0 ? Ext4() : Xfs();
    for (int i = 0; i < 64; ++i) area[random() % 2048] = static_cast<uint8_t>(random());
    ParseArea(area);
  }
}

VolumeRecord RecordWith(Content content) {
  return {.usage = {.mount = true, .file_system = FileSystem::kExt4},
          .content = content,
          .file_system_uuid = content == Content::kNeverFormatted ? "" : kUuid};
}

TEST(DecideFormat, FormatsWhatWasNeverFormattedAndIsBlank) {
  EXPECT_EQ(DecideFormat(RecordWith(Content::kNeverFormatted), ParseArea(Blank())),
            FormatStep::kFormat);
}

TEST(DecideFormat, FormatsAgainWhatACrashInterruptedWhateverItLeft) {
  EXPECT_EQ(DecideFormat(RecordWith(Content::kFormatting), ParseArea(Ext4())),
            FormatStep::kFormatAgain);
  EXPECT_EQ(DecideFormat(RecordWith(Content::kFormatting), ParseArea(Blank())),
            FormatStep::kFormatAgain);
}

TEST(DecideFormat, LeavesAReadyVolumeAlone) {
  EXPECT_EQ(DecideFormat(RecordWith(Content::kReady), ParseArea(Ext4())), FormatStep::kNothing);
}

TEST(DecideFormat, NeverFormatsAReadyVolumeThatLooksEmpty) {
  EXPECT_THAT(DecideFormat(RecordWith(Content::kReady), ParseArea(Blank())),
              FailsWith(Code::kDataLoss, "found nothing; it is not formatted again"));
}

TEST(DecideFormat, RefusesAReadyVolumeWithAForeignFileSystem) {
  EXPECT_THAT(DecideFormat(RecordWith(Content::kReady), ParseArea(Xfs())),
              FailsWith(Code::kFailedPrecondition, "found xfs"));
  Area other_uuid = Ext4();
  other_uuid[1024 + 0x68] = 0;
  EXPECT_THAT(DecideFormat(RecordWith(Content::kReady), ParseArea(other_uuid)),
              FailsWith(Code::kFailedPrecondition, "found ext4 with UUID 009c1f6e"));
}

TEST(DecideFormat, RefusesToFormatOverDataItDoesNotExpect) {
  Area strange = Blank();
  strange[65536 + 64] = '_';  // where btrfs has its magic
  for (const Area& area : {Ext4(), Xfs(), strange}) {
    EXPECT_THAT(DecideFormat(RecordWith(Content::kNeverFormatted), ParseArea(area)),
                FailsWith(Code::kFailedPrecondition, "it is not formatted over"));
  }
}

TEST(DecideFormat, NeverFormatsWhatWasUsedRaw) {
  EXPECT_THAT(DecideFormat(RecordWith(Content::kRaw), ParseArea(Blank())),
              FailsWith(Code::kFailedPrecondition, "used as a block device"));
}

TEST(MkfsCommand, ForcesOnlyTheSecondTime) {
  const auto first = MkfsCommand(FileSystem::kExt4, kUuid, false, "/dev/loop9");
  const auto again = MkfsCommand(FileSystem::kExt4, kUuid, true, "/dev/loop9");
  EXPECT_EQ(std::ranges::count(first, "-F"), 0);
  EXPECT_EQ(std::ranges::count(again, "-F"), 1);
  EXPECT_EQ(std::ranges::count(MkfsCommand(FileSystem::kXfs, kUuid, true, "/dev/loop9"), "-f"), 1);
}

TEST(MkfsCommand, GivesTheRecordsUuidAndEndsWithTheDevice) {
  const auto command = MkfsCommand(FileSystem::kXfs, kUuid, false, "/dev/loop9");
  EXPECT_EQ(std::ranges::count(command, std::string("uuid=") + kUuid), 1);
  EXPECT_EQ(command.back(), "/dev/loop9");
}

TEST(NewUuid, IsAnotherEachTime) {
  const auto first = NewUuid();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->size(), 36U);
  EXPECT_NE(*first, *NewUuid());
}

}  // namespace
}  // namespace trivet::csi
