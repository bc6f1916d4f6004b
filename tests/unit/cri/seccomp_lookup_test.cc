#include "cri-runtime/container/seccomp_lookup.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <set>

#include "cri-runtime/container/seccomp_filter.h"
#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using testing::IsOk;

constexpr uint32_t kFault = 0x7ff'dead;  // no program answers so

uint32_t Word(const seccomp_data& data, uint32_t offset) {
  uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, sizeof word);
  return word;
}

bool Holds(uint16_t code, uint32_t a, uint32_t k) {
  switch (BPF_OP(code)) {
    case BPF_JEQ:
      return a == k;
    case BPF_JGT:
      return a > k;
    case BPF_JGE:
      return a >= k;
    default:
      return (a & k) != 0;  // BPF_JSET
  }
}

// What the kernel's interpreter does with what libseccomp writes.
uint32_t Run(const SeccompProgram& program, const seccomp_data& data) {
  uint32_t a = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const auto& [code, jt, jf, k] = program[at];
    if (code == (BPF_RET | BPF_K)) return k;
    if (code == (BPF_LD | BPF_W | BPF_ABS)) {
      a = Word(data, k);
    } else if (code == (BPF_ALU | BPF_AND | BPF_K)) {
      a &= k;
    } else if (code == (BPF_JMP | BPF_JA)) {
      at += k;
    } else if (BPF_CLASS(code) == BPF_JMP && BPF_SRC(code) == BPF_K) {
      at += Holds(code, a, k) ? jt : jf;
    } else {
      return kFault;
    }
  }
  return kFault;
}

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

constexpr std::array<uint32_t, 6> kArchitectures{
    AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0, AUDIT_ARCH_X86_64 + 1, UINT32_MAX};

void ExpectTheSame(const SeccompProgram& one, const SeccompProgram& other, seccomp_data data) {
  ASSERT_NE(Run(one, data), kFault);
  ASSERT_EQ(Run(one, data), Run(other, data))
      << "number " << data.nr << " of " << std::hex << data.arch << " with " << data.args[0];
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
      std::set<uint32_t> answers;
      for (const uint64_t argument : {uint64_t{0}, uint64_t{1}, UINT64_MAX, uint64_t{1} << 40}) {
        for (auto& word : data.args) word = argument;
        answers.insert(Run(one, data));
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

TEST(LookUpByNumber, MakesTheDefaultProfileMuchShorter) {
  const auto program = TranslateSeccompProfile(DefaultSeccompProfile(0));
  ASSERT_THAT(program, IsOk());
  EXPECT_LT(LookUpByNumber(*program).size(), program->size() / 2);
}

TEST(LookUpByNumber, LeavesAProgramThatComputesAsItIs) {
  const SeccompProgram program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                               BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1),
                               BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
  EXPECT_EQ(LookUpByNumber(program).size(), program.size());
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

}  // namespace
}  // namespace trivet::container
