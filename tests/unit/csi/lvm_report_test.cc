#include "csi/pool/lvm_report.h"

#include "csi/pool/lvm_program.h"
#include "csi/pool/thin_metadata.h"
#include "csi/volume/block_changes.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

// What lvm2 2.03.16 of Debian 12 printed.
constexpr std::string_view kVolumes = R"(  {
      "report": [
          {
              "lv": [
                  {"lv_name":"s-abc", "lv_size":"67108864", "lv_tags":"trivet", "lv_attr":"Vwi---tz-k", "pool_lv":"tp", "data_percent":"", "metadata_percent":"", "thin_id":"2", "zero":"zero"},
                  {"lv_name":"tp", "lv_size":"209715200", "lv_tags":"", "lv_attr":"twi-aotz--", "pool_lv":"", "data_percent":"6.00", "metadata_percent":"11.43", "thin_id":"", "zero":"zero"},
                  {"lv_name":"v-abc", "lv_size":"67108864", "lv_tags":"trivet,trivet.new", "lv_attr":"-wi------k", "pool_lv":"", "data_percent":"", "metadata_percent":"", "thin_id":"", "zero":"unknown"}
              ]
          }
      ]
  })";

TEST(ParseVolumes, ReadsThinPoolsThinVolumesAndThickOnes) {
  const auto volumes = lvm::ParseVolumes(kVolumes);
  ASSERT_THAT(volumes, IsOk());
  const lvm::LogicalVolume& pool = volumes->at("tp");
  EXPECT_TRUE(pool.is_thin_pool);
  EXPECT_TRUE(pool.zeroes);
  EXPECT_EQ(pool.data_percent, 6.0);
  EXPECT_EQ(pool.metadata_percent, 11.43);
  const lvm::LogicalVolume& thin = volumes->at("s-abc");
  EXPECT_FALSE(thin.is_thin_pool);
  EXPECT_EQ(thin.thin_pool, "tp");
  EXPECT_EQ(thin.thin_id, 2U);
  EXPECT_EQ(thin.data_percent, std::nullopt);
  const lvm::LogicalVolume& thick = volumes->at("v-abc");
  EXPECT_EQ(thick.size_bytes, 67108864U);
  EXPECT_THAT(thick.tags, ElementsAre("trivet", "trivet.new"));
  EXPECT_FALSE(thick.has_tag("new"));
}

TEST(ParseVolumes, TakesAGroupWithoutAny) {
  const auto volumes = lvm::ParseVolumes(R"({"report": [{"lv": []}]})");
  ASSERT_THAT(volumes, IsOk());
  EXPECT_THAT(*volumes, IsEmpty());
}

TEST(ParseVolumes, NamesWhatItDoesNotUnderstand) {
  EXPECT_THAT(lvm::ParseVolumes(""), FailsWith(Code::kInvalidArgument, "lvs"));
  EXPECT_THAT(lvm::ParseVolumes(R"({"report": []})"), FailsWith(Code::kInternal, "no list \"lv\""));
  EXPECT_THAT(lvm::ParseVolumes(R"({"report": [{"lv": [{"lv_name": "a", "lv_size": "1m"}]}]})"),
              FailsWith(Code::kInternal, "lv_size: unexpected \"1m\""));
  EXPECT_THAT(lvm::ParseVolumes(R"({"report": [{"lv": [7]}]})"),
              FailsWith(Code::kInvalidArgument, "lv_name: missing"));
}

TEST(ParseGroup, ReadsItsFigures) {
  const auto group = lvm::ParseGroup(R"({"report": [{"vg": [
      {"vg_name":"vg", "vg_size":"729808896", "vg_free":"444596224", "vg_extent_size":"4194304"}]}]})");
  ASSERT_THAT(group, IsOk());
  EXPECT_EQ(group->size_bytes, 729808896U);
  EXPECT_EQ(group->free_bytes, 444596224U);
  EXPECT_EQ(group->extent_bytes, 4194304U);
  EXPECT_THAT(lvm::ParseGroup(R"({"report": [{"vg": []}]})"),
              FailsWith(Code::kInternal, "0 volume groups"));
}

TEST(MangledName, DoublesItsDashes) {
  EXPECT_EQ(lvm::Mangled("v-abc"), "v--abc");
  EXPECT_EQ(lvm::Mangled("vg0"), "vg0");
}

TEST(CodeOfWords, TellsWhatTheCallerCanDo) {
  EXPECT_EQ(lvm::CodeOf("Volume group \"vgt\" has insufficient free space (106 extents): 159741 "
                        "required."),
            Code::kResourceExhausted);
  EXPECT_EQ(lvm::CodeOf("Failed to find logical volume \"vgt/nope\""), Code::kNotFound);
  EXPECT_EQ(lvm::CodeOf("Volume group \"nope\" not found; Cannot process volume group nope"),
            Code::kNotFound);
  EXPECT_EQ(lvm::CodeOf("Logical Volume \"a\" already exists in volume group \"v\""),
            Code::kAlreadyExists);
  EXPECT_EQ(lvm::CodeOf("Logical volume v/a contains a filesystem in use."),
            Code::kFailedPrecondition);
  EXPECT_EQ(lvm::CodeOf("something else"), Code::kInternal);
}

// What thin_dump 0.9.0 of Debian 12 printed of a volume and of its snapshot.
constexpr std::string_view kDump =
    R"(<superblock uuid="" time="1" transaction="2" flags="0" version="2" data_block_size="128" nr_data_blocks="0">
  <device dev_id="1" mapped_blocks="193" transaction="0" creation_time="0" snap_time="1">
    <range_mapping origin_begin="0" data_begin="0" length="160" time="0"/>
    <range_mapping origin_begin="320" data_begin="160" length="32" time="1"/>
    <single_mapping origin_block="400" data_block="7" time="1"/>
  </device>
</superblock>
)";
constexpr std::string_view kSnapshotDump =
    R"(<superblock uuid="" time="1" transaction="2" flags="0" version="2" data_block_size="128" nr_data_blocks="0">
  <device dev_id="2" mapped_blocks="160" transaction="1" creation_time="1" snap_time="1">
    <range_mapping origin_begin="0" data_begin="0" length="160" time="0"/>
  </device>
</superblock>
)";
constexpr uint64_t kBlock = 128 * 512;

TEST(ParseDump, GivesBytesInAscendingOrder) {
  const auto extents = thin_metadata::ParseDump(kDump);
  ASSERT_THAT(extents, IsOk());
  EXPECT_THAT(
      *extents,
      ElementsAre(Extent{.offset = 0, .bytes = 160 * kBlock, .place = 0},
                  Extent{.offset = 320 * kBlock, .bytes = 32 * kBlock, .place = 160 * kBlock},
                  Extent{.offset = 400 * kBlock, .bytes = kBlock, .place = 7 * kBlock}));
}

TEST(ParseDump, OfTwoVolumesSaysWhatDiffers) {
  const auto now = thin_metadata::ParseDump(kDump);
  const auto before = thin_metadata::ParseDump(kSnapshotDump);
  ASSERT_THAT(now, IsOk());
  ASSERT_THAT(before, IsOk());
  EXPECT_THAT(ChangedBlocks(*before, *now, 1024 * kBlock),
              ElementsAre(BlockRange{.offset = 320 * kBlock, .bytes = 32 * kBlock},
                          BlockRange{.offset = 400 * kBlock, .bytes = kBlock}));
}

TEST(ParseDump, RefusesWhatItDoesNotUnderstand) {
  EXPECT_THAT(thin_metadata::ParseDump(""), FailsWith(Code::kInternal, "data_block_size"));
  EXPECT_THAT(thin_metadata::ParseDump("<single_mapping origin_block=\"1\" data_block=\"2\"/>"),
              FailsWith(Code::kInternal, "unexpected <single_mapping"));
  EXPECT_THAT(thin_metadata::ParseDump(
                  "<superblock data_block_size=\"128\"><range_mapping origin_begin=\"-1\" "
                  "data_begin=\"0\" length=\"1\"/>"),
              FailsWith(Code::kInternal, "origin_begin=\"-1\""));
}

}  // namespace
}  // namespace trivet::csi
