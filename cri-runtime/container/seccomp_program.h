#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trivet::container {

using SeccompProgram = std::vector<sock_filter>;

// The kernel follows these by itself to see which system calls are always allowed, and asks the
// filter no more about those. Source: seccomp_is_const_allow() in its kernel/seccomp.c.
constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t kJump = BPF_JMP | BPF_JA;
constexpr uint16_t kJumpIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr uint16_t kJumpIfAbove = BPF_JMP | BPF_JGT | BPF_K;
constexpr uint16_t kJumpIfNotBelow = BPF_JMP | BPF_JGE | BPF_K;
constexpr uint16_t kMask = BPF_ALU | BPF_AND | BPF_K;
constexpr uint16_t kReturn = BPF_RET | BPF_K;

constexpr uint32_t kNumberOffset = offsetof(seccomp_data, nr);
constexpr uint32_t kArchitectureOffset = offsetof(seccomp_data, arch);

/// One of those by which architectures and numbers are told apart.
constexpr bool IsComparison(uint16_t code) {
  return code == kJumpIfEqual || code == kJumpIfAbove || code == kJumpIfNotBelow;
}

/// How many instructions a comparison of `value` leaves out.
constexpr size_t Skipped(const sock_filter& comparison, uint32_t value) {
  const bool holds = comparison.code == kJumpIfEqual   ? value == comparison.k
                     : comparison.code == kJumpIfAbove ? value > comparison.k
                                                       : value >= comparison.k;
  return holds ? comparison.jt : comparison.jf;
}

}  // namespace trivet::container
