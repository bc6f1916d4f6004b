#pragma once

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "cri-runtime/container/seccomp_program.h"

namespace trivet::container {

struct Outcome {
  std::optional<uint32_t> answer;  // none of a program the emulation does not know or that ran out
  size_t steps = 0;
};

/// What the kernel's interpreter does with what libseccomp writes. With `constant`, as far as the
/// kernel looks ahead for what is always allowed: no answer when it depends on arguments.
/// Source: seccomp_is_const_allow() in kernel/seccomp.c.
Outcome Emulate(const SeccompProgram& program, const seccomp_data& data, bool constant = false);

/// Those that programs know, and others.
constexpr std::array<uint32_t, 6> kArchitectures{
    AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0, AUDIT_ARCH_X86_64 + 1, UINT32_MAX};

/// That both programs answer, and alike, and that the kernel sees of the other at least what it
/// sees of the one when it looks ahead.
void ExpectTheSame(const SeccompProgram& one, const SeccompProgram& other,
                   const seccomp_data& data);

}  // namespace trivet::container
