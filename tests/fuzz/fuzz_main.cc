// libFuzzer's entry points: TRIVET_FUZZ_TARGET names the target that this process runs.
#include <cstdint>
#include <cstdlib>

#include "tests/fuzz/target.h"

namespace {

trivet::fuzz::Target ChosenTarget() {
  const char* const name = std::getenv("TRIVET_FUZZ_TARGET");
  const auto targets = trivet::fuzz::AllTargets();
  const auto found = targets.find(name == nullptr ? "" : name);
  trivet::fuzz::Require(found != targets.end(), "TRIVET_FUZZ_TARGET: no such target");
  return found->second;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const trivet::fuzz::Target target = ChosenTarget();
  target({reinterpret_cast<const char*>(data), size});
  return 0;
}
