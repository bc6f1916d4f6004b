#include "cri-runtime/config.h"

#include "tests/testing/matchers.h"

namespace trivet::cri {
namespace {

using testing::FailsWith;
using testing::IsOk;

TEST(ReadConfig, OverwritesWhatTheFileNamesAndKeepsTheRest) {
  Config config;
  ASSERT_THAT(ReadConfig(R"({"socket": "/s", /* why */ "pidsLimit": 100})", config), IsOk());
  EXPECT_EQ(config.socket, "/s");
  EXPECT_EQ(config.pids_limit, 100);
  EXPECT_EQ(config.run_dir, Config{}.run_dir);
}

TEST(ReadConfig, ReadsBackWhatStatusShows) {
  Config config;
  config.cni_bin_dirs = {"/a", "/b"};
  Config read;
  ASSERT_THAT(ReadConfig(json::Write(ToJson(config)), read), IsOk());
  EXPECT_EQ(read.cni_bin_dirs, config.cni_bin_dirs);
}

TEST(PodsParent, FollowsTheDriverUnlessItIsNamed) {
  EXPECT_EQ(PodsParent({}), "/trivet");
  EXPECT_EQ(PodsParent({.cgroup_driver = "systemd"}), "trivet.slice");
  EXPECT_EQ(PodsParent({.cgroup_driver = "systemd", .cgroup_parent = "a.slice"}), "a.slice");
}

TEST(LimitsOnImages, RemembersMorePathsWhereThereMayBeMoreEntries) {
  Config config;
  const image::Limits usual = LimitsOnImages(config);
  ASSERT_THAT(ReadConfig(R"({"imageBytesLimit": 5, "imageEntriesLimit": 1000000})", config),
              IsOk());

  const image::Limits more = LimitsOnImages(config);
  EXPECT_EQ(more.unpacked_bytes, 5U);
  EXPECT_EQ(more.entries_per_layer, 1'000'000U);
  EXPECT_EQ(more.archive_bytes, image::Limits{}.archive_bytes);
  EXPECT_EQ(usual.kept_path_bytes, image::Limits{}.kept_path_bytes);
  EXPECT_GE(more.kept_path_bytes, usual.kept_path_bytes * 19 / 10);
}

struct BadConfig {
  std::string name;
  std::string text;
  std::string complaint;
};

class BadConfigTable : public ::testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTable, IsRefusedByTheNameOfTheKey) {
  Config config;
  Result<> result = ReadConfig(GetParam().text, config);
  if (result) result = CheckConfig(config);
  EXPECT_THAT(result, FailsWith(Code::kInvalidArgument, GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    Config, BadConfigTable,
    ::testing::Values(
        BadConfig{"UnknownKey", R"({"sockett": "/s"})", "sockett"},
        BadConfig{"WrongType", R"({"socket": 5})", "socket"},
        BadConfig{"RelativePath", R"({"stateDir": "x"})", "stateDir: \"x\""},
        BadConfig{"NoPlugins", R"({"cniBinDirs": []})", "cniBinDirs: empty"},
        BadConfig{"RelativePlugins", R"({"cniBinDirs": ["b"]})", "cniBinDirs"},
        BadConfig{"RelativeGroup", R"({"cgroupParent": "t"})", "cgroupParent"},
        BadConfig{"Driver", R"({"cgroupDriver": "runc"})", "cgroupDriver: unexpected"},
        BadConfig{"SliceWithoutSystemd", R"({"cgroupParent": "/pods.slice"})",
                  "cgroupParent: \"/pods.slice\" is a slice"},
        BadConfig{"GroupWithSystemd", R"({"cgroupDriver": "systemd", "cgroupParent": "/pods"})",
                  "cgroupParent: \"pods\" is no slice"},
        BadConfig{"PinnedName", R"({"pinnedImages": ["a", "No Name"]})",
                  "pinnedImages: image name"},
        BadConfig{"PinnedPattern", R"({"pinnedImages": ["a*b"]})",
                  "pinnedImages: 'a*b': a * is at"},
        BadConfig{"NoBytes", R"({"imageBytesLimit": 0})", "imageBytesLimit: unexpected 0"},
        BadConfig{"LessThanNoBytes", R"({"imageArchiveBytesLimit": -1})", "imageArchiveBytesLimit"},
        BadConfig{"NoRatio", R"({"imageRatioLimit": 0})", "imageRatioLimit: unexpected 0"},
        BadConfig{"MoreEntriesThanMemory", R"({"imageEntriesLimit": 100000001})",
                  "imageEntriesLimit: 100000001 is above 100000000"},
        BadConfig{"NoProcesses", R"({"pidsLimit": 0})", "pidsLimit"},
        BadConfig{"Selinux", R"({"selinux": "on"})", "selinux: unexpected \"on\""},
        BadConfig{"NoObject", "[]", "not an object"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace trivet::cri
