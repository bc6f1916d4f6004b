#include "cri-runtime/container/command_line.h"

#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::Not;

struct Row {
  std::string name;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::vector<std::string> merged;
};

// The table of Kubernetes' documentation, "Define a Command and Arguments for a Container".
class MergeArgsTable : public ::testing::TestWithParam<Row> {};

TEST_P(MergeArgsTable, FollowsKubernetes) {
  const Config config{.command = GetParam().command, .args = GetParam().args};
  const image::Config image{.entrypoint = {"/ep-1"}, .cmd = {"foo", "bar"}};
  EXPECT_EQ(*MergeArgs(config, image), GetParam().merged);
}

INSTANTIATE_TEST_SUITE_P(MergeArgs, MergeArgsTable,
                         ::testing::Values(Row{"Nothing", {}, {}, {"/ep-1", "foo", "bar"}},
                                           Row{"Command", {"/ep-2"}, {}, {"/ep-2"}},
                                           Row{"Args", {}, {"zoo"}, {"/ep-1", "zoo"}},
                                           Row{"Both", {"/ep-2"}, {"zoo"}, {"/ep-2", "zoo"}}),
                         [](const auto& row) { return row.param.name; });

TEST(WorkingDirectory, IsTheImagesUnlessTheConfigurationHasOne) {
  EXPECT_EQ(WorkingDirectory({}, {}), "/");
  EXPECT_EQ(WorkingDirectory({}, {.working_dir = "/app"}), "/app");
  EXPECT_EQ(WorkingDirectory({.working_dir = "/own"}, {.working_dir = "/app"}), "/own");
}

TEST(WorkingDirectory, HasNoDotDot) {
  EXPECT_EQ(WorkingDirectory({}, {.working_dir = "/app/../x"}), "/x");
  EXPECT_EQ(WorkingDirectory({.working_dir = "/../../etc"}, {}), "/etc");
}

TEST(MergeArgs, RefusesAnEmptyCommand) {
  EXPECT_THAT(MergeArgs({}, {}), FailsWith(Code::kInvalidArgument, "command"));
}

TEST(MergeEnvironment, LetsTheRequestWinOverTheImage) {
  const auto environment =
      MergeEnvironment({.envs = {"A=request", "B=1"}}, {.env = {"A=image", "PATH=/bin"}},
                       {.home = "/root"}, "pod-1");
  EXPECT_THAT(environment,
              ElementsAre("PATH=/bin", "HOSTNAME=pod-1", "A=request", "B=1", "HOME=/root"));
}

TEST(MergeEnvironment, KeepsAHomeThatIsGiven) {
  const auto environment = MergeEnvironment({.envs = {"HOME=/x"}}, {}, {.home = "/root"}, "");
  EXPECT_THAT(environment, Contains("HOME=/x"));
  EXPECT_THAT(environment, Not(Contains("HOME=/root")));
}

TEST(MergeEnvironment, SaysTheKindOfTerminalWhereThereIsOne) {
  EXPECT_THAT(MergeEnvironment({.terminal = true}, {}, {}, ""), Contains("TERM=xterm"));
}

}  // namespace
}  // namespace trivet::container
