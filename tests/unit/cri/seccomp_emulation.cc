#include "tests/unit/cri/seccomp_emulation.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>

namespace trivet::container {
namespace {

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

}  // namespace

Outcome Emulate(const SeccompProgram& program, const seccomp_data& data, bool constant) {
  Outcome outcome;
  uint32_t a = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const auto& [code, jt, jf, k] = program[at];
    ++outcome.steps;
    if (code == (BPF_RET | BPF_K)) {
      outcome.answer = k;
      return outcome;
    }
    if (code == (BPF_LD | BPF_W | BPF_ABS)) {
      if (constant && k != offsetof(seccomp_data, nr) && k != offsetof(seccomp_data, arch)) break;
      a = Word(data, k);
    } else if (code == (BPF_ALU | BPF_AND | BPF_K)) {
      a &= k;
    } else if (code == (BPF_JMP | BPF_JA)) {
      at += k;
    } else if (BPF_CLASS(code) == BPF_JMP && BPF_SRC(code) == BPF_K) {
      at += Holds(code, a, k) ? jt : jf;
    } else {
      break;
    }
  }
  return outcome;
}

void ExpectTheSame(const SeccompProgram& one, const SeccompProgram& other,
                   const seccomp_data& data) {
  const auto answer = Emulate(one, data).answer;
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer, Emulate(other, data).answer)
      << "number " << data.nr << " of " << std::hex << data.arch << " with " << data.args[0];
  const auto constant = Emulate(one, data, true).answer;
  if (constant.has_value()) {
    ASSERT_EQ(Emulate(other, data, true).answer, constant);
  }
}

}  // namespace trivet::container
