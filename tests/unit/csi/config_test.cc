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
        BadConfig{"UnknownPoolKey", R"({"pools": [{"size": 1}]})", "pools: [0]: size: unknown key"},
        BadConfig{"NoName", R"({"pools": [{"type": "file"}]})", "name: missing"},
        BadConfig{"NameWithSlash", R"({"pools": [{"name": "a/b"}]})", "name: unexpected \"a/b\""},
        BadConfig{"OtherType", R"({"pools": [{"name": "a", "type": "lvm"}]})",
                  "type: unexpected \"lvm\""},
        BadConfig{"RelativePath", R"({"pools": [{"name": "a", "type": "file", "path": "x"}]})",
                  "path: unexpected \"x\""},
        BadConfig{"PathUpwards", R"({"pools": [{"name": "a", "type": "file", "path": "/x/../y"}]})",
                  "path: unexpected"},
        BadConfig{"NegativeLimit",
                  R"({"pools": [{"name": "a", "type": "file", "path": "/x", "limitBytes": -1}]})",
                  "limitBytes: unexpected -1"},
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
  EXPECT_THAT(Pools::Open(config), FailsWith(Code::kInvalidArgument, "pools a and b"));
}

TEST(Pools, ChoosesTheFirstWhenNoneIsNamed) {
  const TempDirectory folder;
  const auto pools = Pools::Open({.pools = {{.name = "a", .path = folder / "a"}}});
  ASSERT_THAT(pools, IsOk());
  EXPECT_EQ((*pools->Choose(""))->name(), "a");
  EXPECT_THAT(pools->Choose("b"), FailsWith(Code::kInvalidArgument, "there is no pool \"b\""));
}

}  // namespace
}  // namespace trivet::csi
