#include "shim/process_plan.h"

#include "tests/testing/matchers.h"

namespace trivet::shim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

constexpr uint64_t kAllCaps = ~uint64_t{0};

Result<ProcessPlan> Plan(const ProcessSpec& spec, uint64_t own_caps = kAllCaps) {
  return MakeProcessPlan(spec, Purpose::kContainerStart, own_caps);
}

TEST(MakeProcessPlan, LooksForAProgramInThePathOfItsEnvironment) {
  EXPECT_THAT(Plan({.args = {"sh"}, .env = {"A=b", "PATH=/a:/b/c"}})->programs,
              ElementsAre("/a/sh", "/b/c/sh"));
}

TEST(MakeProcessPlan, LeavesRelativeFoldersOfThePathOut) {
  EXPECT_THAT(Plan({.args = {"sh"}, .env = {"PATH=.::bin:/a"}})->programs, ElementsAre("/a/sh"));
  EXPECT_THAT(Plan({.args = {"sh"}, .env = {"PATH="}})->programs, IsEmpty());
}

TEST(MakeProcessPlan, TakesAProgramWithASlashAsItIs) {
  EXPECT_THAT(Plan({.args = {"./x", "y"}})->programs, ElementsAre("./x"));
}

TEST(MakeProcessPlan, EndsTheArgumentsWithNull) {
  const auto plan = Plan({.args = {"a", "b"}, .env = {"C=d"}});
  EXPECT_STREQ(plan->argv[1], "b");
  EXPECT_EQ(plan->argv[2], nullptr);
  EXPECT_STREQ(plan->envp[0], "C=d");
}

TEST(MakeProcessPlan, TakesASelinuxLabelOfOneLine) {
  EXPECT_EQ(Plan({.args = {"a"}, .selinux_label = "u:r:t:s0:c1,c2"})->selinux, "u:r:t:s0:c1,c2");
  EXPECT_THAT(Plan({.args = {"a"}, .selinux_label = "u:r:t\n"}),
              FailsWith(Code::kInvalidArgument, "selinux_label"));
}

TEST(MakeProcessPlan, LeavesOutCapabilitiesTheNodeDoesNotHave) {
  const auto plan =
      Plan({.args = {"a"}, .bounding_caps = 7, .effective_caps = 7, .ambient_caps = 6}, 5);
  EXPECT_EQ(plan->bounding_caps, 5U);
  EXPECT_EQ(plan->effective_caps, 5U);
  EXPECT_EQ(plan->ambient_caps, 4U);
}

TEST(MakeProcessPlan, RaisesNoLimitAboveItsOwn) {
  rlimit own{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &own), 0);
  const auto plan = Plan(
      {.args = {"a"},
       .rlimits = {{.resource = RLIMIT_NOFILE, .soft = RLIM_INFINITY, .hard = RLIM_INFINITY}}});
  EXPECT_EQ(plan->rlimits.front().value.rlim_cur, own.rlim_max);
  EXPECT_EQ(plan->rlimits.front().value.rlim_max, own.rlim_max);
}

struct BadProcess {
  const char* name;
  ProcessSpec spec;
  const char* words;
};
class BadProcessTest : public ::testing::TestWithParam<BadProcess> {};

TEST_P(BadProcessTest, IsRefusedByItsFieldsName) {
  EXPECT_THAT(Plan(GetParam().spec), FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadProcessTest,
    ::testing::Values(
        BadProcess{"NoArgs", {}, "args"}, BadProcess{"EmptyProgram", {.args = {""}}, "args"},
        BadProcess{"NulInArgs", {.args = {std::string("a\0b", 3)}}, "args: holds a NUL"},
        BadProcess{"NulInEnv", {.args = {"a"}, .env = {std::string("A=\0", 3)}}, "env"},
        BadProcess{"RelativeCwd", {.args = {"a"}, .cwd = "x"}, "cwd"},
        BadProcess{"HalfAnInstruction", {.args = {"a"}, .seccomp_bpf = "1234567"}, "seccomp_bpf"},
        BadProcess{"HugeFilter",
                   {.args = {"a"}, .seccomp_bpf = std::string(8 * 4097, '\0')},
                   "seccomp_bpf"},
        BadProcess{"ProfileWithALine", {.args = {"a"}, .apparmor_profile = "a\nb"}, "apparmor"},
        BadProcess{"SoftAboveHard",
                   {.args = {"a"}, .rlimits = {{.resource = 7, .soft = 2, .hard = 1}}},
                   "rlimits"},
        BadProcess{"UnknownLimit", {.args = {"a"}, .rlimits = {{.resource = 99}}}, "rlimits"},
        BadProcess{"OomScore", {.args = {"a"}, .oom_score_adj = 1001}, "oom_score_adj"}),
    [](const auto& parameters) { return parameters.param.name; });

}  // namespace
}  // namespace trivet::shim
