#include <set>
#include <sstream>

#include "common/base/json.h"
#include "ctl/doctor/check.h"
#include "ctl/doctor/file_system.h"
#include "ctl/doctor/print.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::ctl::doctor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::TestWithParam;
using ::testing::ValuesIn;
using trivet::testing::TempDirectory;

Check CheckThat(Need need, Result<Answer> answer) {
  return {"area", "thing",   need,
          "pods", "get one", [answer](const Host& /*host*/) { return answer; }};
}

Finding Examined(Need need, Result<Answer> answer) {
  return Examine({CheckThat(need, std::move(answer))}, Host()).front();
}

TEST(Examine, CallsAFailureMissingAndARefusalUnknown) {
  const Finding missing = Examined(Need::kRequired, Fail(Code::kUnimplemented, "clone3: no"));
  EXPECT_EQ(missing.answer.state, State::kMissing);
  EXPECT_EQ(missing.answer.detail, "clone3: no");

  const Finding unknown = Examined(Need::kRequired, Fail(Code::kPermissionDenied, "unshare: no"));
  EXPECT_EQ(unknown.answer.state, State::kUnknown);
  EXPECT_THAT(unknown.answer.detail, HasSubstr("root"));
}

TEST(Examine, GoesOnAfterAFailure) {
  const Check bad = CheckThat(Need::kRequired, Fail(Code::kInternal, "no"));
  EXPECT_THAT(Examine({bad, bad, bad}, Host()), SizeIs(3));
}

TEST(IsUsable, WantsWhatIsRequiredAndNothingElse) {
  const auto usable = [](Need need, State state) {
    return IsUsable({Examined(need, Answer{.state = state})});
  };
  EXPECT_TRUE(usable(Need::kRequired, State::kOk));
  EXPECT_TRUE(usable(Need::kRequired, State::kLimited));
  EXPECT_FALSE(usable(Need::kRequired, State::kMissing));
  EXPECT_FALSE(usable(Need::kRequired, State::kUnknown));
  EXPECT_TRUE(usable(Need::kOptional, State::kMissing));
  EXPECT_TRUE(usable(Need::kOptional, State::kUnknown));
}

TEST(PrintText, SaysHowToFixWhatIsNotInOrderOnly) {
  std::ostringstream good;
  PrintText(good, {Examined(Need::kRequired, Answer{.detail = "6.18"})});
  EXPECT_THAT(good.str(), HasSubstr("ok       thing: 6.18; for pods (every pod needs it)"));
  EXPECT_THAT(good.str(), Not(HasSubstr("fix:")));
  EXPECT_THAT(good.str(), HasSubstr("1 ok, 0 limited, 0 missing, 0 unknown: this node can run"));

  std::ostringstream bad;
  PrintText(bad, {Examined(Need::kRequired, Fail(Code::kInternal, "no"))});
  EXPECT_THAT(bad.str(), HasSubstr("fix: get one"));
  EXPECT_THAT(bad.str(), HasSubstr("this node cannot run pods"));
}

TEST(PrintJson, HasEveryPartOfEveryFinding) {
  std::ostringstream out;
  PrintJson(out, {Examined(Need::kOptional, Answer{State::kLimited, "v1"})});
  const auto value = json::Parse(out.str());
  ASSERT_TRUE(value.has_value());
  const json::Value expected = {{"usable", true},
                                {"findings",
                                 {{{"area", "area"},
                                   {"what", "thing"},
                                   {"state", "limited"},
                                   {"required", false},
                                   {"detail", "v1"},
                                   {"neededFor", "pods"},
                                   {"fix", "get one"}}}}};
  EXPECT_EQ(*value, expected);
}

TEST(AllChecks, SayWhatTheyAreForAndHowToFixThem) {
  std::set<std::string> names;
  for (const Check& check : AllChecks()) {
    EXPECT_THAT(check.area, Not(IsEmpty())) << check.what;
    EXPECT_THAT(check.needed_for, Not(IsEmpty())) << check.what;
    EXPECT_THAT(check.fix, Not(IsEmpty())) << check.what;
    EXPECT_TRUE(names.insert(check.area + "/" + check.what).second) << check.what << " is twice";
  }
}

// A node that is files: what reading alone can find out.
struct Node {
  const char* name;
  std::vector<std::pair<std::string, std::string>> files;
  std::vector<Check> (*checks)();
  const char* what;
  State state;
  const char* detail;
};
void PrintTo(const Node& node, std::ostream* out) {
  *out << node.name;
}

const std::string kAllV2 = "cpuset cpu io memory pids\n";
const std::string kStatus = "Name:\ttrivetctl\nCapEff:\t";

const Node kNodes[] = {
    {"CgroupV2",
     {{"sys/fs/cgroup/cgroup.controllers", kAllV2}},
     CgroupChecks,
     "hierarchy",
     State::kOk,
     "v2"},
    {"CgroupHybrid",
     {{"sys/fs/cgroup/pids/cgroup.procs", ""}, {"sys/fs/cgroup/unified/cgroup.procs", ""}},
     CgroupChecks,
     "hierarchy",
     State::kLimited,
     "v1 hybrid"},
    {"CgroupNone", {}, CgroupChecks, "hierarchy", State::kMissing, "cgroup"},
    {"IoInV2",
     {{"sys/fs/cgroup/cgroup.controllers", kAllV2}},
     CgroupChecks,
     "controller io",
     State::kOk,
     ""},
    {"IoIsBlkioInV1",
     {{"sys/fs/cgroup/blkio/cgroup.procs", ""}, {"sys/fs/cgroup/pids/cgroup.procs", ""}},
     CgroupChecks,
     "controller io",
     State::kOk,
     ""},
    {"NoMemoryController",
     {{"sys/fs/cgroup/cgroup.controllers", "cpu pids\n"}},
     CgroupChecks,
     "controller memory",
     State::kMissing,
     "not there"},
    {"Forwarding",
     {{"proc/sys/net/ipv4/ip_forward", "1\n"}},
     SysctlChecks,
     "net.ipv4.ip_forward",
     State::kOk,
     "1"},
    {"NoForwarding",
     {{"proc/sys/net/ipv4/ip_forward", "0\n"}},
     SysctlChecks,
     "net.ipv4.ip_forward",
     State::kLimited,
     "0, less than 1"},
    {"NoSuchSysctl",
     {},
     SysctlChecks,
     "net.netfilter.nf_conntrack_max",
     State::kLimited,
     "does not have it"},
    {"SysctlOfText",
     {{"proc/sys/kernel/pid_max", "many\n"}},
     SysctlChecks,
     "kernel.pid_max",
     State::kMissing,
     "not a number"},
    {"AllCapabilities",
     {{"proc/self/status", kStatus + "000001ffffffffff\n"}},
     SecurityChecks,
     "capabilities of the caller",
     State::kOk,
     ""},
    {"NoCapabilities",
     {{"proc/self/status", kStatus + "0000000000000000\n"}},
     SecurityChecks,
     "capabilities of the caller",
     State::kMissing,
     "no CHOWN, DAC_OVERRIDE"},
    {"AllButAdmin",
     {{"proc/self/status", kStatus + "000001ffffdfffff\n"}},
     SecurityChecks,
     "capabilities of the caller",
     State::kMissing,
     "no SYS_ADMIN"},
    {"AllButResource",
     {{"proc/self/status", kStatus + "000001fffeffffff\n"}},
     SecurityChecks,
     "CAP_SYS_RESOURCE",
     State::kMissing,
     "the caller"},
    {"StatusWithoutCapabilities",
     {{"proc/self/status", "Name:\tx\n"}},
     SecurityChecks,
     "capabilities of the caller",
     State::kMissing,
     "no CapEff"},
    {"AppArmor",
     {{"sys/module/apparmor/parameters/enabled", "Y\n"}},
     SecurityChecks,
     "AppArmor",
     State::kOk,
     ""},
    {"NoAppArmor", {}, SecurityChecks, "AppArmor", State::kMissing, "not enabled"},
    {"AppArmorDefaultProfile",
     {{"sys/kernel/security/apparmor/profiles", "a (enforce)\ntrivet-default (enforce)\n"}},
     SecurityChecks,
     "AppArmor profile trivet-default",
     State::kOk,
     ""},
    {"AppArmorDefaultProfileIsNotLoaded",
     {{"sys/kernel/security/apparmor/profiles", "not-trivet-default (enforce)\n"}},
     SecurityChecks,
     "AppArmor profile trivet-default",
     State::kMissing,
     "not loaded"},
    {"NoAppArmorNoDefaultProfile",
     {},
     SecurityChecks,
     "AppArmor profile trivet-default",
     State::kOk,
     "not needed"},
    {"SelinuxWithoutAPolicy",
     {{"sys/fs/selinux/enforce", "1"}, {"proc/self/attr/current", "kernel"}},
     SecurityChecks,
     "SELinux",
     State::kOk,
     "not enabled"},
    {"SelinuxWithoutLabelsForContainers",
     {{"sys/fs/selinux/enforce", "1"}, {"proc/self/attr/current", "u:r:init_t:s0"}},
     SecurityChecks,
     "SELinux",
     State::kLimited,
     "enforcing: the policy has no labels"},
    {"SelinuxWithLabelsForContainers",
     {{"sys/fs/selinux/enforce", "0"},
      {"proc/self/attr/current", "u:r:init_t:s0"},
      {"sys/fs/selinux/context", ""},
      {"etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=default\n"},
      {"etc/selinux/default/contexts/lxc_contexts", "process = \"u:r:container_t:s0\"\n"}},
     SecurityChecks,
     "SELinux",
     State::kOk,
     "permissive: containers are u:r:container_t:s0"},
    {"SelinuxWithLabelsThatAreNotLoaded",
     {{"sys/fs/selinux/enforce", "1"},
      {"proc/self/attr/current", "u:r:init_t:s0"},
      {"usr/share/containers/selinux/contexts", "process = \"u:r:container_t:s0\"\n"}},
     SecurityChecks,
     "SELinux",
     State::kLimited,
     "does not have u:r:container_t:s0"},
    {"SelinuxWithADamagedFile",
     {{"sys/fs/selinux/enforce", "1"},
      {"proc/self/attr/current", "u:r:init_t:s0"},
      {"usr/share/containers/selinux/contexts", "process = \"container_t\"\n"}},
     SecurityChecks,
     "SELinux",
     State::kMissing,
     "contexts: process: "},
    {"NoSelinux", {}, SecurityChecks, "SELinux", State::kOk, "not enabled"},
    {"Ipv6",
     {{"proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n"}},
     NetworkChecks,
     "IPv6",
     State::kOk,
     ""},
    {"Ipv6Off",
     {{"proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n"}},
     NetworkChecks,
     "IPv6",
     State::kLimited,
     "switched off"},
    {"NoIpv6", {}, NetworkChecks, "IPv6", State::kMissing, "no IPv6"},
    {"NoBridgeFirewall", {}, NetworkChecks, "br_netfilter", State::kMissing, "not loaded"},
    {"Xfs",
     {{"proc/filesystems", "nodev\ttmpfs\n\text4\n\txfs\n"}},
     FileSystemChecks,
     "xfs",
     State::kOk,
     ""},
    {"NoXfs",
     {{"proc/filesystems", "nodev\txfsish\n\text4\n"}},
     FileSystemChecks,
     "xfs",
     State::kMissing,
     "does not know it"},
    {"NoMkfs", {}, FileSystemChecks, "mkfs.xfs", State::kMissing, "not installed"},
    {"NoNamespaces",
     {},
     NamespaceChecks,
     "cgroup, ipc, mnt, net, pid, uts",
     State::kMissing,
     "no cgroup, ipc, mnt, net, pid, uts"},
};

class ANode : public TestWithParam<Node> {};

TEST_P(ANode, IsReadRight) {
  const TempDirectory root;
  for (const auto& file : GetParam().files) root.Fill({file});
  for (const Check& check : GetParam().checks()) {
    if (check.what != GetParam().what) continue;
    const Finding finding = Examine({check}, {.root = root.path()}).front();
    EXPECT_EQ(finding.answer.state, GetParam().state) << finding.answer.detail;
    EXPECT_THAT(finding.answer.detail, HasSubstr(GetParam().detail));
    return;
  }
  FAIL() << "no check is called " << GetParam().what;
}
INSTANTIATE_TEST_SUITE_P(Of, ANode, ValuesIn(kNodes),
                         [](const auto& row) { return std::string(row.param.name); });

// A node with a script in CRIU's place.
class CriuCheck : public ::testing::Test {
 protected:
  void Install(const std::string& place, const std::string& check) const {
    const std::string version = "--version) echo Version: 3.17.1; echo GitID: x;;";
    root_.Fill({{place, "#!/bin/sh\ncase $1 in " + version + " check) " + check + ";; esac\n"}});
    std::filesystem::permissions(root_ / place, std::filesystem::perms::owner_all);
  }
  [[nodiscard]] Answer Probe() const {
    return Examine(CheckpointChecks(), {.root = root_.path()}).front().answer;
  }

  const TempDirectory root_;
};

TEST_F(CriuCheck, IsANoteWhereNoneIsInstalled) {
  EXPECT_EQ(Probe().state, State::kMissing);
  EXPECT_EQ(Probe().detail, "/usr/sbin/criu is not installed");
  EXPECT_EQ(CheckpointChecks().front().need, Need::kOptional);
}

TEST_F(CriuCheck, TellsTheVersionOfTheOneThatIsConfigured) {
  Install("usr/sbin/criu", "exit 1");
  Install("opt/criu", "exit 0");
  root_.Fill({{"etc/trivet/cri.json", R"({"criu": "/opt/criu" /* our own */, "x": 1})"}});
  EXPECT_EQ(Probe().state, State::kOk);
  EXPECT_EQ(Probe().detail, "3.17.1");
}

TEST_F(CriuCheck, TellsWhyItIsNotFitForTheKernel) {
  Install("usr/sbin/criu", "echo 'Error (criu/vdso.c:381): vdso: Unexpected bounds' >&2; exit 1");
  const Answer answer = Probe();
  EXPECT_NE(answer.state, State::kOk);
  EXPECT_THAT(answer.detail, HasSubstr("3.17.1, and criu check exits with 1: vdso: Unexpected"));
}

TEST_F(CriuCheck, TellsThatItDoesNotRunOrIsConfiguredWrongly) {
  root_.Fill({{"usr/sbin/criu", "#!/bin/sh\nexit 127\n"}});
  std::filesystem::permissions(root_ / "usr/sbin/criu", std::filesystem::perms::owner_all);
  EXPECT_EQ(Probe().state, State::kMissing);
  EXPECT_THAT(Probe().detail, HasSubstr("criu --version exits with 127"));
  root_.Fill({{"etc/trivet/cri.json", R"({"criu": 1})"}});
  EXPECT_THAT(Probe().detail, HasSubstr("cri.json: criu: "));
}

constexpr uint32_t kExt4 = 0xef53;
constexpr uint32_t kTmpfs = 0x01021994;
constexpr uint32_t kOverlay = 0x794c7630;
constexpr uint64_t kTebibyte = uint64_t{1} << 40;

TEST(JudgeState, WantsAFileSystemThatOverlayCanWriteTo) {
  const FileSystem good{
      .magic = kExt4, .free_bytes = kTebibyte, .inodes = 1 << 30, .free_inodes = 1 << 29};
  EXPECT_EQ(JudgeState(good).state, State::kOk);
  EXPECT_EQ(JudgeState(good).detail, "ext4, 1024 GiB free");

  FileSystem other = good;
  other.magic = kOverlay;
  EXPECT_EQ(JudgeState(other).state, State::kMissing);
  other.magic = kTmpfs;
  EXPECT_EQ(JudgeState(other).state, State::kLimited);
  other.magic = 0x12345;
  EXPECT_EQ(JudgeState(other).detail, "a file system of type 0x12345, which is not tested");
}

TEST(JudgeState, WantsSpaceInodesAndLeaveToWrite) {
  const FileSystem good{.magic = kExt4, .free_bytes = kTebibyte, .inodes = 10, .free_inodes = 5};
  EXPECT_EQ(JudgeState(good).detail, "ext4, 5 inodes free");
  FileSystem full = good;
  full.free_bytes = 1 << 20;
  EXPECT_EQ(JudgeState(full).detail, "ext4, 1 MiB free");
  full.read_only = true;
  EXPECT_EQ(JudgeState(full).state, State::kMissing);
}

TEST(JudgeRun, WantsWhatARebootEmpties) {
  EXPECT_EQ(JudgeRun({.magic = kTmpfs}).state, State::kOk);
  EXPECT_EQ(JudgeRun({.magic = kExt4}).state, State::kLimited);
}

}  // namespace
}  // namespace trivet::ctl::doctor
