#include <linux/capability.h>
#include <linux/filter.h>
#include <seccomp.h>

#include <cerrno>

#include "cri-runtime/container/seccomp_filter.h"
#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using testing::FailsWith;
using testing::IsOk;

const SeccompRule* FindRule(const SeccompProfile& profile, const std::string& name) {
  for (const SeccompRule& rule : profile.rules) {
    if (std::ranges::count(rule.names, name) != 0) return &rule;
  }
  return nullptr;
}

TEST(DefaultSeccompProfile, AllowsMountOnlyWithSysAdmin) {
  EXPECT_EQ(FindRule(DefaultSeccompProfile(0), "mount"), nullptr);
  EXPECT_NE(FindRule(DefaultSeccompProfile(uint64_t{1} << CAP_SYS_ADMIN), "mount"), nullptr);
}

TEST(DefaultSeccompProfile, TellsAnUnprivilegedContainerThatThereIsNoClone3) {
  EXPECT_EQ(FindRule(DefaultSeccompProfile(0), "clone3")->action,
            static_cast<uint32_t>(SCMP_ACT_ERRNO(ENOSYS)));
}

TEST(DefaultSeccompProfile, NeverAllowsKernelModulesByDefault) {
  for (const char* name :
       {"init_module", "kexec_load", "bpf", "keyctl", "io_uring_setup", "setns"}) {
    EXPECT_EQ(FindRule(DefaultSeccompProfile(0), name), nullptr) << name;
  }
}

TEST(ParseSeccompProfile, KeepsTheRulesThatApply) {
  const auto profile = ParseSeccompProfile(R"({
      "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
      "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"]},
         "args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}]},
        {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "99.0"}},
        {"names": ["chmod"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["vax"]}}]})",
                                           0);
  ASSERT_THAT(profile, IsOk());
  EXPECT_EQ(profile->default_action, static_cast<uint32_t>(SCMP_ACT_ERRNO(38)));
  EXPECT_NE(FindRule(*profile, "read"), nullptr);
  EXPECT_EQ(FindRule(*profile, "mount"), nullptr);
  EXPECT_EQ(FindRule(*profile, "ptrace"), nullptr);
  EXPECT_EQ(FindRule(*profile, "chmod"), nullptr);
  EXPECT_EQ(FindRule(*profile, "clone")->arguments.at(0).value_two, 2u);
}

struct BadProfile {
  std::string name;
  std::string text;
  std::string complaint;
};

class BadSeccompProfileTable : public ::testing::TestWithParam<BadProfile> {};

TEST_P(BadSeccompProfileTable, IsRefusedByTheNameOfTheField) {
  EXPECT_THAT(ParseSeccompProfile(GetParam().text, 0),
              FailsWith(Code::kInvalidArgument, GetParam().complaint));
}

constexpr const char* kHead = R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": )";

INSTANTIATE_TEST_SUITE_P(
    ParseSeccompProfile, BadSeccompProfileTable,
    ::testing::Values(
        BadProfile{"NoDefault", "{}", "defaultAction: missing"},
        BadProfile{"UnknownAction", R"({"defaultAction": "SCMP_ACT_DANCE"})", "SCMP_ACT_DANCE"},
        BadProfile{"NoList", std::string(kHead) + "5}", "syscalls: not a list"},
        BadProfile{"NoNames", std::string(kHead) + R"([{"action": "SCMP_ACT_LOG"}]})",
                   "syscalls[0]: names: missing"},
        BadProfile{"BadIndex",
                   std::string(kHead) + R"([{"names": ["read"], "action": "SCMP_ACT_LOG",
                       "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}]})",
                   "args: index: unexpected 6"},
        BadProfile{"BadErrno", R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 5000})",
                   "errnoRet"},
        BadProfile{"NoObject", "[]", "not an object"}),
    [](const auto& row) { return row.param.name; });

TEST(CompileSeccompFilter, MakesAProgramThatTheKernelCanTake) {
  const auto filter = CompileSeccompFilter(DefaultSeccompProfile(0));
  ASSERT_THAT(filter, IsOk());
  EXPECT_EQ(filter->size() % sizeof(sock_filter), 0u);
  EXPECT_GT(filter->size() / sizeof(sock_filter), 100u);
  EXPECT_LT(filter->size() / sizeof(sock_filter), static_cast<size_t>(BPF_MAXINSNS));
}

TEST(CompileSeccompFilter, PassesOverNamesThatNobodyKnows) {
  EXPECT_THAT(
      CompileSeccompFilter({.default_action = SCMP_ACT_ERRNO(EPERM),
                            .rules = {{.names = {"no_such_call"}, .action = SCMP_ACT_ALLOW}}}),
      IsOk());
}

TEST(SeccompFilters, GivesTheSameBytesAgainAndNoneForUnconfined) {
  SeccompFilters filters;
  const auto first = filters.Get(ProfileKind::kRuntimeDefault, "", 0);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(*filters.Get(ProfileKind::kRuntimeDefault, "", 0), *first);
  EXPECT_EQ(*filters.Get(ProfileKind::kUnconfined, "", 0), "");
}

TEST(SeccompFilters, RefusesALocalhostProfileThatIsNone) {
  SeccompFilters filters;
  EXPECT_THAT(filters.Get(ProfileKind::kLocalhost, "nonsense", 0),
              FailsWith(Code::kInvalidArgument, ""));
}

}  // namespace
}  // namespace trivet::container
