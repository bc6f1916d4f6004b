#include "cri-runtime/container/seccomp_writer.h"

namespace trivet::container {

template <class Write>
size_t BackwardWriter::Once(const Meaning& meaning, const Write& write) {
  const auto [place, is_new] = places_.try_emplace(meaning);
  if (is_new) place->second = write();
  return place->second;
}

size_t BackwardWriter::Put(const sock_filter& instruction) {
  reversed_.push_back(instruction);
  return reversed_.size() - 1;
}

// Puts what does the same as what is at `place`: an answer once more, or a jump there.
size_t BackwardWriter::Bring(size_t place) {
  const sock_filter there = reversed_[place];
  if (BPF_CLASS(there.code) == BPF_RET) return Put(there);
  return Put({.code = kJump, .jt = 0, .jf = 0, .k = static_cast<uint32_t>(SkippedTo(place))});
}

// Where the same is done in a comparison's reach, even if one more is brought in between.
size_t BackwardWriter::Near(size_t place) {
  constexpr size_t kFarthest = UINT8_MAX - 1;
  size_t& nearest = nearest_.try_emplace(place, place).first->second;
  if (SkippedTo(nearest) > kFarthest) nearest = Bring(place);
  return nearest;
}

size_t BackwardWriter::End(const sock_filter& instruction) {
  return Once({instruction.code, instruction.k, 0, 0}, [&] { return Put(instruction); });
}

size_t BackwardWriter::Before(size_t next, const sock_filter& instruction) {
  if (instruction.code == kLoad && IgnoresValue(next)) return next;
  return Once({instruction.code, instruction.k, next, next}, [&] {
    if (SkippedTo(next) != 0) Bring(next);
    return Put(instruction);
  });
}

size_t BackwardWriter::Compare(uint16_t code, uint32_t constant, size_t met, size_t otherwise) {
  if (met == otherwise) return met;
  return Once({code, constant, met, otherwise}, [&] {
    const size_t near = Near(met);
    const size_t other = Near(otherwise);
    return Put({.code = code,
                .jt = static_cast<uint8_t>(SkippedTo(near)),
                .jf = static_cast<uint8_t>(SkippedTo(other)),
                .k = constant});
  });
}

bool BackwardWriter::IgnoresValue(size_t place) const {
  return reversed_[place].code == kLoad || reversed_[place].code == kReturn;
}

SeccompProgram BackwardWriter::Take(size_t start) {
  if (SkippedTo(start) != 0) Bring(start);
  return {reversed_.rbegin(), reversed_.rend()};
}

}  // namespace trivet::container
