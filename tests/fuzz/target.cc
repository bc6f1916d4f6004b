#include "tests/fuzz/target.h"

#include <cstdlib>

#include "common/base/log.h"

namespace trivet::fuzz {

Targets AllTargets() {
  Targets all;
  for (Targets some : {CniTargets(), ImageTargets(), RuntimeTargets(), CsiTargets(),
                       ManifestTargets(), ProtocolTargets()}) {
    all.merge(some);
  }
  return all;
}

void Require(bool holds, std::string_view law) {
  if (holds) return;
  WriteLogLine(LogLevel::kError, "fuzz", law);
  std::abort();
}

}  // namespace trivet::fuzz
