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
        BadConfig{"NoProcesses", R"({"pidsLimit": 0})", "pidsLimit"},
        BadConfig{"Selinux", R"({"selinux": "on"})", "selinux: unexpected \"on\""},
        BadConfig{"NoObject", "[]", "not an object"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace trivet::cri
