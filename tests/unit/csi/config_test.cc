#include "csi/config.h"

#include "csi/pool/pools.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

TEST(ParseConfig, ReadsPoolsWithCommentsInTheirOrder) {
  const auto config = ParseConfig(R"({
    // the first pool serves requests that name none
    "pools": [{"name": "fast", "type": "file", "path": "/mnt/nvme", "limitBytes": 1000,
               "maxCopyExtents": 8000},
              {"name": "big", "type": "file", "path": "/mnt/hdd", "headroomBytes": 5}]})");

  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(
      config->pools,
      (std::vector<PoolConfig>{
          {.name = "fast", .path = "/mnt/nvme", .limit_bytes = 1000, .max_copy_extents = 8000},
          {.name = "big", .path = "/mnt/hdd", .headroom_bytes = 5}}));
}

TEST(ParseConfig, ReadsAPoolOfEachType) {
  const auto config = ParseConfig(R"({"pools": [
      {"name": "thick", "type": "lvm", "volumeGroup": "vg0", "wipe": "discard"},
      {"name": "thin", "type": "lvm", "volumeGroup": "vg0", "thinPool": "tp", "overcommitRatio": 1.5},
      {"name": "whole", "type": "device", "devices": ["/dev/disk/by-id/nvme-*"]}]})");

  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(
      config->pools,
      (std::vector<PoolConfig>{
          {.name = "thick", .type = PoolType::kLvm, .volume_group = "vg0", .wipe = Wipe::kDiscard},
          {.name = "thin",
           .type = PoolType::kLvm,
           .volume_group = "vg0",
           .thin_pool = "tp",
           .overcommit_ratio = 1.5},
          {.name = "whole", .type = PoolType::kDevice, .devices = {"/dev/disk/by-id/nvme-*"}}}));
}

struct BadConfig {
  const char* name;
  const char* text;
  const char* reason;
};

class ParseConfigRefuses : public ::testing::TestWithParam<BadConfig> {};

TEST_P(ParseConfigRefuses, AndNamesTheKey) {
  EXPECT_THAT(ParseConfig(GetParam().text), FailsWith(Code::kInvalidArgument, GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, ParseConfigRefuses,
    ::testing::Values(
        BadConfig{"NoJson", "pools", "line 1"}, BadConfig{"NoObject", "[]", "not an object"},
        BadConfig{"NoPools", "{}", "pools: want a list"},
        BadConfig{"EmptyPools", R"({"pools": []})", "pools: want a list"},
        BadConfig{"UnknownKey", R"({"pool": []})", "pool: unknown key"},
        BadConfig{"UnknownPoolKey",
                  R"({"pools": [{"name": "a", "type": "file", "path": "/x", "size": 1}]})",
                  "pools: [0]: size: unknown key"},
        BadConfig{"NoName", R"({"pools": [{"type": "file"}]})", "name: missing"},
        BadConfig{"NameWithSlash", R"({"pools": [{"name": "a/b"}]})", "name: unexpected \"a/b\""},
        BadConfig{"NameWithDashAtItsEnd", R"({"pools": [{"name": "a-"}]})",
                  "name: unexpected \"a-\""},
        BadConfig{"OtherType", R"({"pools": [{"name": "a", "type": "zfs"}]})",
                  "type: unexpected \"zfs\""},
        BadConfig{"LvmWithoutGroup", R"({"pools": [{"name": "a", "type": "lvm"}]})",
                  "volumeGroup: missing"},
        BadConfig{"LvmGroupThatIsAnOption",
                  R"({"pools": [{"name": "a", "type": "lvm", "volumeGroup": "-x"}]})",
                  "volumeGroup: unexpected \"-x\""},
        BadConfig{"LvmGroupWithSlash",
                  R"({"pools": [{"name": "a", "type": "lvm", "volumeGroup": "v/x"}]})",
                  "volumeGroup: unexpected \"v/x\""},
        BadConfig{
            "LvmEmptyThinPool",
            R"({"pools": [{"name": "a", "type": "lvm", "volumeGroup": "v", "thinPool": ""}]})",
            "thinPool: unexpected \"\""},
        BadConfig{"LvmWithPath",
                  R"({"pools": [{"name": "a", "type": "lvm", "volumeGroup": "v", "path": "/x"}]})",
                  "path: unknown key"},
        BadConfig{"OtherWipe",
                  R"({"pools": [{"name": "a", "type": "lvm", "volumeGroup": "v", "wipe": "no"}]})",
                  "wipe: unexpected \"no\""},
        BadConfig{"NoDevices", R"({"pools": [{"name": "a", "type": "device", "devices": []}]})",
                  "devices: want at least one"},
        BadConfig{"RelativeDevice",
                  R"({"pools": [{"name": "a", "type": "device", "devices": ["sdb"]}]})",
                  "devices: unexpected \"sdb\""},
        BadConfig{"GroupTwice", R"({"pools": [{"name": "a", "type": "lvm", "volumeGroup": "v"},
                                              {"name": "b", "type": "lvm", "volumeGroup": "v"}]})",
                  "two have the volume group v"},
        BadConfig{"ThinPoolTwice",
                  R"({"pools": [{"name": "a", "type": "lvm", "volumeGroup": "v", "thinPool": "t"},
                                {"name": "b", "type": "lvm", "volumeGroup": "v", "thinPool": "t"}]})",
                  "two have the thin pool v/t"},
        BadConfig{"RelativePath", R"({"pools": [{"name": "a", "type": "file", "path": "x"}]})",
                  "path: unexpected \"x\""},
        BadConfig{"PathUpwards", R"({"pools": [{"name": "a", "type": "file", "path": "/x/../y"}]})",
                  "path: unexpected"},
        BadConfig{"NegativeLimit",
                  R"({"pools": [{"name": "a", "type": "file", "path": "/x", "limitBytes": -1}]})",
                  "limitBytes: unexpected -1"},
        BadConfig{"OvercommitOfThick",
                  R"({"pools": [{"name": "a", "type": "lvm", "volumeGroup": "v",
                                 "overcommitRatio": 2}]})",
                  "overcommitRatio: is of a thinPool only"},
        BadConfig{"OvercommitBelowOne",
                  R"({"pools": [{"name": "a", "type": "lvm", "volumeGroup": "v", "thinPool": "t",
                                 "overcommitRatio": 0.5}]})",
                  "overcommitRatio: unexpected 0.5, want 1 to 100"},
        BadConfig{"NameTwice",
                  R"({"pools": [{"name": "a", "type": "file", "path": "/x"},
                                {"name": "a", "type": "file", "path": "/y"}]})",
                  "two are named a"},
        BadConfig{"PathTwice",
                  R"({"pools": [{"name": "a", "type": "file", "path": "/x"},
                                {"name": "b", "type": "file", "path": "/x"}]})",
                  "two have the path /x"}),
    [](const auto& row) { return row.param.name; });

TEST(LoadConfig, HasOnePoolBelowTheStateFolderWhenThereIsNoFile) {
  const auto config = LoadConfig("/nonexistent/csi.json", Paths("/state"));
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->pools,
            (std::vector<PoolConfig>{{.name = "default", .path = "/state/pools/default"}}));
}

TEST(LoadConfig, NamesTheFile) {
  const TempDirectory folder;
  folder.Fill({{"csi.json", "{"}});
  EXPECT_THAT(LoadConfig(folder / "csi.json", Paths("/state")),
              FailsWith(Code::kInvalidArgument, (folder / "csi.json").native()));
}

TEST(Pools, RefusesTwoOnOneFileSystem) {
  const TempDirectory folder;
  const Config config{
      .pools = {{.name = "a", .path = folder / "a"}, {.name = "b", .path = folder / "b"}}};
  EXPECT_THAT(Pools::Open(config, Paths(folder / "state")),
              FailsWith(Code::kInvalidArgument, "pools a and b"));
}

TEST(Pools, ChoosesTheFirstWhenNoneIsNamed) {
  const TempDirectory folder;
  const auto pools =
      Pools::Open({.pools = {{.name = "a", .path = folder / "a"}}}, Paths(folder / "state"));
  ASSERT_THAT(pools, IsOk());
  EXPECT_EQ((*pools->Choose(""))->name(), "a");
  EXPECT_THAT(pools->Choose("b"),
              FailsWith(Code::kResourceExhausted, "this node has no pool \"b\""));
}

}  // namespace
}  // namespace trivet::csi
