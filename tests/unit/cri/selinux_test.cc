#include "cri-runtime/selinux/choice.h"
#include "cri-runtime/selinux/levels.h"
#include "cri-runtime/selinux/relabel.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::selinux {
namespace {

using testing::FailsWith;
using testing::IsOk;

TEST(ParseLabel, KeepsTheColonsOfALevel) {
  const Label expected{"system_u", "system_r", "container_t", "s0-s0:c0.c1023"};
  EXPECT_EQ(*ParseLabel("system_u:system_r:container_t:s0-s0:c0.c1023"), expected);
  EXPECT_EQ(TextOf(expected), "system_u:system_r:container_t:s0-s0:c0.c1023");
}

TEST(ParseLabel, NeedsNoLevel) {
  EXPECT_EQ(TextOf(*ParseLabel("u:r:t")), "u:r:t");
}

TEST(ParseLabel, RefusesWhatHasLessThanThreeParts) {
  for (const char* text : {"", "u", "u:r", "u:r:", ":r:t", "u::t:s0"}) {
    EXPECT_THAT(ParseLabel(text), FailsWith(Code::kInvalidArgument, "is no SELinux label")) << text;
  }
}

TEST(CheckParts, RefusesWhatWouldBecomeAnotherPart) {
  EXPECT_THAT(CheckParts({.user = "u:r"}), FailsWith(Code::kInvalidArgument, "user: "));
  EXPECT_THAT(CheckParts({.role = "r r"}), FailsWith(Code::kInvalidArgument, "role: "));
  EXPECT_THAT(CheckParts({.type = "t\n"}), FailsWith(Code::kInvalidArgument, "type: "));
  EXPECT_THAT(CheckParts({.level = std::string("s0\0", 3)}),
              FailsWith(Code::kInvalidArgument, "level: "));
  EXPECT_THAT(CheckParts({"user_u", "role_r", "type_t", "s0:c1.c3,c9"}), IsOk());
}

TEST(ParseDefaults, ReadsTheTwoLinesThatCount) {
  const auto defaults = ParseDefaults(
      "# containers\n; more\nprocess = \"system_u:system_r:container_t:s0\"\n"
      "  file=\"system_u:object_r:container_file_t:s0\"\r\nnonsense\n"
      "sandbox_kvm_process = \"x\"\n");
  ASSERT_THAT(defaults, IsOk());
  EXPECT_EQ(TextOf(defaults->process), "system_u:system_r:container_t:s0");
  EXPECT_EQ(TextOf(defaults->file), "system_u:object_r:container_file_t:s0");
}

TEST(ParseDefaults, NamesALineThatIsNoLabel) {
  EXPECT_THAT(ParseDefaults("file = \"container_file_t\""),
              FailsWith(Code::kInvalidArgument, "file: "));
}

// A node of files: what the kernel and the policy's package would have there.
class SelinuxNode : public ::testing::Test {
 protected:
  SelinuxNode() {
    root_.Fill({{"sys/fs/selinux/enforce", "1"},
                {"sys/fs/selinux/mls", "1"},
                {"sys/fs/selinux/context", ""},
                {"proc/self/attr/current", std::string("system_u:system_r:init_t:s0\0", 28)},
                {"etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=default\n"},
                {"etc/selinux/default/contexts/lxc_contexts",
                 "process = \"system_u:system_r:container_t:s0\"\n"
                 "file = \"system_u:object_r:container_file_t:s0\"\n"}});
  }

  [[nodiscard]] Policy Open(Mode mode = Mode::kAuto) const {
    auto policy = Policy::Open(mode, root_.path());
    EXPECT_THAT(policy, IsOk());
    return *policy;
  }

  testing::TempDirectory root_;
};

TEST_F(SelinuxNode, IsEnabledOnceAPolicyIsLoaded) {
  EXPECT_TRUE(Open().enabled());
  root_.Fill({{"proc/self/attr/current", std::string("kernel\0", 7)}});
  EXPECT_FALSE(Open().enabled());
}

TEST_F(SelinuxNode, IsNotLabelledWhenDisabled) {
  EXPECT_FALSE(Open(Mode::kDisabled).enabled());
}

TEST_F(SelinuxNode, MustHaveWhatIsDemanded) {
  std::filesystem::remove(root_ / "sys/fs/selinux/enforce");
  EXPECT_FALSE(Open().enabled());
  EXPECT_THAT(Policy::Open(Mode::kEnabled, root_.path()),
              FailsWith(Code::kFailedPrecondition, "SELinux is not enabled"));
}

TEST_F(SelinuxNode, PrefersTheContextsOfContainerSelinux) {
  root_.Fill({{"usr/share/containers/selinux/contexts", "process = \"u:r:other_t:s0\"\n"}});
  EXPECT_EQ(Open().defaults().process.type, "other_t");
}

TEST_F(SelinuxNode, LooksOutsideOfNoFolderForItsType) {
  root_.Fill({{"etc/selinux/config", "SELINUXTYPE=../selinux/default\n"}});
  EXPECT_TRUE(Open().defaults().process.empty());
}

TEST_F(SelinuxNode, NamesADamagedFile) {
  root_.Fill({{"etc/selinux/default/contexts/lxc_contexts", "process = \"x\"\n"}});
  EXPECT_THAT(Policy::Open(Mode::kAuto, root_.path()),
              FailsWith(Code::kInvalidArgument, "contexts/lxc_contexts: process: "));
}

TEST_F(SelinuxNode, GivesAContainerThePolicysLabelsWithThePodsLevel) {
  const auto labels = ChooseLabels(Open(), {.level = "s0:c1,c2"});
  ASSERT_THAT(labels, IsOk());
  EXPECT_EQ(labels->process, "system_u:system_r:container_t:s0:c1,c2");
  EXPECT_EQ(labels->file, "system_u:object_r:container_file_t:s0:c1,c2");
}

TEST_F(SelinuxNode, TakesWhatARequestNames) {
  const Wish wish{.options = {"user_u", "", "my_t", "s0:c9"}, .level = "s0:c1,c2"};
  const auto labels = ChooseLabels(Open(), wish);
  ASSERT_THAT(labels, IsOk());
  EXPECT_EQ(labels->process, "user_u:system_r:my_t:s0:c9");
  EXPECT_EQ(labels->file, "user_u:object_r:container_file_t:s0:c9");
}

TEST_F(SelinuxNode, ConfinesNoPrivilegedProcess) {
  const auto labels =
      ChooseLabels(Open(), {.options = {.type = "my_t"}, .level = "s0:c1,c2", .privileged = true});
  ASSERT_THAT(labels, IsOk());
  EXPECT_EQ(labels->process, "");
  EXPECT_EQ(labels->file, "system_u:object_r:container_file_t:s0:c1,c2");
}

TEST_F(SelinuxNode, ConfinesAProcessInANamespaceOfTheNodeWhereItsTypeIsNamed) {
  EXPECT_EQ(ChooseLabels(Open(), {.node_namespace = true})->process, "");
  EXPECT_EQ(ChooseLabels(Open(), {.options = {.type = "my_t"}, .node_namespace = true})->process,
            "system_u:system_r:my_t:s0");
}

TEST_F(SelinuxNode, LeavesLevelsAwayWhereThePolicyHasNone) {
  root_.Fill(
      {{"sys/fs/selinux/mls", "0"},
       {"etc/selinux/default/contexts/lxc_contexts", "process = \"u:r:t\"\nfile = \"u:o:f\""}});
  const auto labels = ChooseLabels(Open(), {});
  ASSERT_THAT(labels, IsOk());
  EXPECT_EQ(labels->process, "u:r:t");
  EXPECT_EQ(labels->file, "u:o:f");
}

TEST_F(SelinuxNode, WantsAWholeLabelWhereThePolicyKnowsNoContainers) {
  std::filesystem::remove(root_ / "etc/selinux/config");
  EXPECT_THAT(ChooseLabels(Open(), {.options = {.type = "my_t"}}),
              FailsWith(Code::kFailedPrecondition, "lxc_contexts"));
  EXPECT_EQ(ChooseLabels(Open(), {})->process, "");
  EXPECT_EQ(ChooseLabels(Open(), {.options = {"u", "r", "my_t", ""}})->process, "u:r:my_t");
}

TEST_F(SelinuxNode, IgnoresWhatIsAskedWhereItDoesNotLabel) {
  const auto labels = ChooseLabels(Open(Mode::kDisabled), {.options = {.type = "no type"}});
  ASSERT_THAT(labels, IsOk());
  EXPECT_EQ(labels->process, "");
  EXPECT_EQ(labels->file, "");
}

TEST_F(SelinuxNode, AsksTheKernelWhetherALabelIsOne) {
  ASSERT_THAT(ChooseLabels(Open(), {.level = "s0:c1,c2"}), IsOk());
  std::filesystem::remove(root_ / "sys/fs/selinux/context");
  EXPECT_THAT(ChooseLabels(Open(), {}), FailsWith(Code::kNotFound, "selinux/context"));
}

TEST(Levels, AreAllPairsOfCategories) {
  EXPECT_EQ(Levels::LevelOf(0), "s0:c0,c1");
  EXPECT_EQ(Levels::LevelOf(1022), "s0:c0,c1023");
  EXPECT_EQ(Levels::LevelOf(1023), "s0:c1,c2");
  EXPECT_EQ(Levels::LevelOf(Levels::kPairs - 1), "s0:c1022,c1023");
}

TEST(Levels, AreNotGivenTwice) {
  Levels levels;
  auto first = levels.Take([](const std::string& /*level*/) { return false; });
  ASSERT_THAT(first, IsOk());
  const auto all_but_that = [level = first->level()](const std::string& l) { return l != level; };
  EXPECT_THAT(levels.Take(all_but_that), FailsWith(Code::kResourceExhausted, "levels"));
  *first = Levels::Hold();
  EXPECT_THAT(levels.Take(all_but_that), IsOk());
}

TEST(CheckRelabel, RefusesTheNodesOwnFolders) {
  for (const char* path :
       {"/", "/etc", "/etc/", "/usr//", "/var/lib", "/var/lib/../log", "/home"}) {
    EXPECT_THAT(CheckRelabel(path), FailsWith(Code::kInvalidArgument, "is not relabelled")) << path;
  }
  for (const char* path : {"/etc/app", "/var/lib/kubelet/pods/a/volumes/b", "/data"}) {
    EXPECT_THAT(CheckRelabel(path), IsOk()) << path;
  }
}

}  // namespace
}  // namespace trivet::selinux
