#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>

#include "cri-runtime/container/seccomp_program.h"

namespace trivet::container {

/// Writes a program from its end to its start: jumps only lead forward, so that where they lead to
/// is written before them. A place is the number of instructions behind it. What is there already
/// is not written once more.
class BackwardWriter {
 public:
  /// The place of an instruction that ends the program.
  size_t End(const sock_filter& instruction);

  /// The place of an instruction that neither jumps nor ends, and goes on at `next`: `next` when it
  /// loads what is not looked at there.
  size_t Before(size_t next, const sock_filter& instruction);

  /// The place of a comparison that goes on at `met` or at `otherwise`.
  size_t Compare(uint16_t code, uint32_t constant, size_t met, size_t otherwise);

  /// Whether what is at `place` does the same whatever has been loaded.
  [[nodiscard]] bool IgnoresValue(size_t place) const;

  /// The program that starts at `start`.
  SeccompProgram Take(size_t start);

 private:
  // The code, the constant and the places where it goes on.
  using Meaning = std::tuple<uint16_t, uint32_t, size_t, size_t>;

  template <class Write>
  size_t Once(const Meaning& meaning, const Write& write);
  size_t Put(const sock_filter& instruction);
  [[nodiscard]] size_t SkippedTo(size_t place) const { return reversed_.size() - place - 1; }
  size_t Bring(size_t place);
  size_t Near(size_t place);

  SeccompProgram reversed_;
  std::map<Meaning, size_t> places_;
  std::map<size_t, size_t> nearest_;  // by a place: where the same is done
};

}  // namespace trivet::container
