#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <random>
#include <set>

#include "cri-runtime/container/seccomp_lookup.h"
#include "tests/unit/cri/seccomp_emulation.h"

namespace trivet::container {
namespace {

// For each of two architectures a chain of comparisons at random, of which some lead to one of an
// argument.
class RandomProgram {
 public:
  explicit RandomProgram(uint32_t seed) : random_(seed) {}

  SeccompProgram Make(uint32_t length) {
    const SeccompProgram one = Chain(length);
    SeccompProgram program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 2, 0),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 2, 0),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                           BPF_STMT(BPF_JMP | BPF_JA, 1),
                           BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(one.size()))};
    Append(program, one);
    Append(program, Chain(length));
    return program;
  }

 private:
  static void Append(SeccompProgram& program, const SeccompProgram& more) {
    program.insert(program.end(), more.begin(), more.end());
  }

  uint32_t Below(uint32_t end) { return std::uniform_int_distribution(0U, end - 1)(random_); }

  sock_filter Answer() {
    constexpr std::array<uint32_t, 3> kAnswers{SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM,
                                               SECCOMP_RET_TRAP};
    return BPF_STMT(BPF_RET | BPF_K, kAnswers.at(Below(kAnswers.size())));
  }

  SeccompProgram Body() {
    if (Below(10) != 0) return {Answer()};
    return {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArgument, 0, 1), Answer(), Answer()};
  }

  SeccompProgram Chain(uint32_t length) {
    SeccompProgram chain{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (uint32_t comparison = 0; comparison < length; ++comparison) {
      const bool is_range = Below(8) == 0;  // the first answers for all above
      const uint32_t constant = is_range ? 2 * length - comparison : Below(2 * length);
      const auto code = static_cast<uint16_t>(BPF_JMP | BPF_K |
                                              (!is_range       ? BPF_JEQ
                                               : Below(2) == 0 ? BPF_JGE
                                                               : BPF_JGT));
      const SeccompProgram body = Body();
      chain.push_back(BPF_JUMP(code, constant, 0, static_cast<uint8_t>(body.size())));
      Append(chain, body);
    }
    chain.push_back(Answer());
    return chain;
  }

 public:
  static constexpr uint32_t kArgument = 40;

 private:
  std::mt19937 random_;
};

void CheckRandomProgram(uint32_t seed, uint32_t length) {
  const SeccompProgram program = RandomProgram(seed).Make(length);
  const SeccompProgram shorter = LookUpByNumber(program);
  EXPECT_LT(shorter.size(), program.size());
  std::set<uint32_t> numbers{0x4000'0000, INT32_MAX, 0x8000'0000, UINT32_MAX};
  for (uint32_t number = 0; number <= 2 * length + 1; ++number) numbers.insert(number);
  for (const uint32_t architecture : kArchitectures) {
    for (const uint32_t number : numbers) {
      seccomp_data data{.nr = static_cast<int>(number), .arch = architecture};
      ExpectTheSame(program, shorter, data);
      EXPECT_LE(Emulate(shorter, data, true).steps, 12 + 2 * std::bit_width(length));
      data.args[0] = RandomProgram::kArgument;
      ExpectTheSame(program, shorter, data);
    }
  }
}

TEST(LookUpByNumber, AnswersAsProgramsAtRandom) {
  for (const uint32_t length : {1, 2, 3, 5, 10, 20, 40, 60, 80, 100}) {
    for (uint32_t seed = 0; seed < 10; ++seed) CheckRandomProgram(seed, length);
  }
}

TEST(LookUpByNumber, AnswersAsProgramsWithMoreThanAJumpLeavesOut) {
  for (uint32_t seed = 0; seed < 3; ++seed) CheckRandomProgram(seed, 500);
}

}  // namespace
}  // namespace trivet::container
