#include "cri-runtime/container/seccomp_lookup.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <random>
#include <set>

#include "cri-runtime/container/seccomp_filter.h"
#include "tests/testing/matchers.h"
#include "tests/unit/cri/seccomp_emulation.h"

namespace trivet::container {
namespace {

using testing::IsOk;

// Each constant of the program, and its neighbours: what it distinguishes is among them.
std::set<uint32_t> Constants(const SeccompProgram& program) {
  std::set<uint32_t> constants{0, UINT32_MAX};
  for (const sock_filter& instruction : program) {
    for (const uint32_t near : {instruction.k - 1, instruction.k, instruction.k + 1}) {
      constants.insert(near);
    }
  }
  return constants;
}

// All numbers there are with some arguments; those that are looked at more closely with many.
void ExpectTheSameAnswers(const SeccompProgram& one, const SeccompProgram& other) {
  constexpr uint32_t kNumbers = 600;
  std::set<uint32_t> numbers = Constants(one);
  for (uint32_t number = 0; number < kNumbers; ++number) numbers.insert(number);
  const std::set<uint32_t> arguments = Constants(one);
  for (const uint32_t architecture : kArchitectures) {
    for (const uint32_t number : numbers) {
      seccomp_data data{.nr = static_cast<int>(number), .arch = architecture};
      std::set<std::optional<uint32_t>> answers;
      for (const uint64_t argument : {uint64_t{0}, uint64_t{1}, UINT64_MAX, uint64_t{1} << 40}) {
        for (auto& word : data.args) word = argument;
        answers.insert(Emulate(one, data).answer);
        ExpectTheSame(one, other, data);
      }
      for (const uint32_t argument : answers.size() > 1 ? arguments : std::set<uint32_t>()) {
        for (auto& word : data.args) word = argument;
        ExpectTheSame(one, other, data);
        for (auto& word : data.args) word = uint64_t{argument} << 32 | 8;
        ExpectTheSame(one, other, data);
      }
    }
  }
}

void CheckProfile(const SeccompProfile& profile) {
  const auto program = TranslateSeccompProfile(profile);
  ASSERT_THAT(program, IsOk());
  ExpectTheSameAnswers(*program, LookUpByNumber(*program));
}

TEST(LookUpByNumber, AnswersAsTheDefaultProfile) {
  CheckProfile(DefaultSeccompProfile(0));
  CheckProfile(DefaultSeccompProfile(~uint64_t{0}));
}

TEST(LookUpByNumber, AnswersAsAProfileThatForbidsLittle) {
  CheckProfile({.default_action = SCMP_ACT_ALLOW,
                .rules = {{.names = {"reboot", "mount"}, .action = SCMP_ACT_KILL_PROCESS},
                          {.names = {"socket"},
                           .action = SCMP_ACT_ERRNO(EAFNOSUPPORT),
                           .arguments = {{.index = 0, .comparison = SCMP_CMP_EQ, .value = 40}}}}});
}

TEST(LookUpByNumber, AnswersAsAProfileWithEveryComparison) {
  SeccompProfile profile{.default_action = SCMP_ACT_ERRNO(EPERM)};
  int next = 0;
  constexpr std::array kNames{"read", "write", "lseek", "ioctl", "dup3", "getpid", "prctl"};
  for (const auto comparison : {SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, SCMP_CMP_EQ, SCMP_CMP_GE,
                                SCMP_CMP_GT, SCMP_CMP_MASKED_EQ}) {
    SeccompArgument argument{.index = 1, .value = 0x1'0000'0008, .value_two = 8};
    argument.comparison = comparison;
    profile.rules.push_back({.names = {kNames.at(static_cast<size_t>(next++))},
                             .action = SCMP_ACT_ALLOW,
                             .arguments = {argument}});
  }
  CheckProfile(profile);
}

SeccompRule RandomRule(std::mt19937& random, int number) {
  const auto below = [&](uint32_t end) {
    return std::uniform_int_distribution(0U, end - 1)(random);
  };
  constexpr std::array kActions{SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(ENOSYS), SCMP_ACT_KILL_PROCESS};
  constexpr std::array kComparisons{SCMP_CMP_NE, SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_MASKED_EQ};
  char* const name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
  SeccompRule rule{.names = {name}, .action = kActions.at(below(kActions.size()))};
  ::free(name);
  if (below(20) == 0) {
    rule.arguments = {{.index = 0, .value = 0x8'0000'0008, .value_two = 8}};
    rule.arguments.front().comparison = kComparisons.at(below(kComparisons.size()));
  }
  return rule;
}

TEST(LookUpByNumber, AnswersAsProfilesAtRandom) {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    std::mt19937 random(seed);
    SeccompProfile profile{.default_action = SCMP_ACT_ERRNO(EPERM)};
    for (int number = 0; number < 335; ++number) {  // up to here all are of this architecture
      if (random() % 5 != 0) profile.rules.push_back(RandomRule(random, number));
    }
    CheckProfile(profile);
  }
}

TEST(LookUpByNumber, MakesTheDefaultProfileShort) {
  const auto program = TranslateSeccompProfile(DefaultSeccompProfile(0));
  ASSERT_THAT(program, IsOk());
  EXPECT_LE(LookUpByNumber(*program).size(), 155);  // 878 of libseccomp's
}

TEST(LookUpByNumber, FindsMostNumbersOfTheDefaultProfileInFewSteps) {
  const auto program = TranslateSeccompProfile(DefaultSeccompProfile(0));
  ASSERT_THAT(program, IsOk());
  const SeccompProgram shorter = LookUpByNumber(*program);
  constexpr size_t kNumbers = 470;
  size_t steps = 0;
  for (const uint32_t architecture : {uint32_t{AUDIT_ARCH_X86_64}, uint32_t{AUDIT_ARCH_I386}}) {
    for (size_t number = 0; number < kNumbers; ++number) {
      const Outcome outcome =
          Emulate(shorter, {.nr = static_cast<int>(number), .arch = architecture}, true);
      EXPECT_LE(outcome.steps, 16) << number;
      steps += outcome.steps;
    }
  }
  EXPECT_LE(steps, 2 * kNumbers * 11);
}

TEST(LookUpByNumber, LeavesAProgramThatComputesAsItIs) {
  const SeccompProgram program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                               BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1),
                               BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
  EXPECT_EQ(LookUpByNumber(program).size(), program.size());
}

TEST(LookUpByNumber, LeavesOutADecisionThatIsMade) {
  constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
  constexpr uint32_t kDeny = SECCOMP_RET_KILL_PROCESS;
  const SeccompProgram program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, kAllow),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args) + 4),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0),  // no bit of the upper half counts
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 40, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, kDeny),
      BPF_STMT(BPF_RET | BPF_K, kAllow)};
  const SeccompProgram shorter = LookUpByNumber(program);
  EXPECT_EQ(shorter.size(), 6);  // two loads, two comparisons, two answers
  ExpectTheSameAnswers(program, shorter);
}

TEST(LookUpByNumber, JumpsFartherThanAConditionalJumpCan) {
  constexpr uint32_t kNumbers = 700;
  SeccompProgram program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (uint32_t number = 0; number < kNumbers; ++number) {  // a chain; two and two answer alike
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (number / 2 % 7)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const SeccompProgram shorter = LookUpByNumber(program);
  EXPECT_LT(shorter.size(), program.size());
  for (uint32_t number = 0; number <= kNumbers; ++number) {
    ExpectTheSame(program, shorter, {.nr = static_cast<int>(number), .arch = AUDIT_ARCH_X86_64});
  }
}

// The end of a process for which the kernel has taken the program: 0 when it answers the calls from
// `first` up to `last` with what is expected.
template <class Expected>
int ExitOfTheKernelsAnswers(const SeccompProgram& program, long first, long last,
                            const Expected& expected) {
  const pid_t child = ::fork();
  if (child == 0) {
    const sock_fprog loaded{static_cast<uint16_t>(program.size()),
                            const_cast<sock_filter*>(program.data())};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(2);
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &loaded) != 0) ::_exit(3);
    for (long number = first; number < last; ++number) {
      errno = 0;
      if (::syscall(number), errno != expected(number)) ::_exit(4);
    }
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST(LookUpByNumber, IsAnsweredAlikeByTheKernel) {
  constexpr long kFirst = 1000;  // the kernel has no such, and needs all others
  constexpr long kLast = 1700;
  const auto error = [](long number) { return static_cast<int>(1 + number / 2 % 7); };
  SeccompProgram program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (long number = kFirst; number < kLast; ++number) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1));
    program.push_back(
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error(number))));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  EXPECT_EQ(ExitOfTheKernelsAnswers(LookUpByNumber(program), kFirst, kLast, error), 0);
}

}  // namespace
}  // namespace trivet::container
