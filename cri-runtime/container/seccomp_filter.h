#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "cri-runtime/container/seccomp_lookup.h"
#include "cri-runtime/container/seccomp_profile.h"
#include "cri-runtime/state/single_flight.h"

namespace trivet::container {

/// The profile as BPF: an array of struct sock_filter, for this architecture and its 32-bit
/// sibling. System calls that are newer than this program answer ENOSYS where unlisted ones fail,
/// so that a C library falls back to what it did before.
/// Errors: kInvalidArgument when the library refuses a rule.
Result<std::string> CompileSeccompFilter(const SeccompProfile& profile);

/// The same, as long as the library writes it.
Result<SeccompProgram> TranslateSeccompProfile(const SeccompProfile& profile);

/// Filters by profile and capabilities, compiled once (some 10 ms each). Any thread.
class SeccompFilters {
 public:
  /// Empty for kUnconfined. `localhost_text` is the profile with kLocalhost.
  Result<std::string> Get(ProfileKind kind, const std::string& localhost_text,
                          uint64_t capabilities);

 private:
  // A node has a handful of profiles; a stranger who makes many only makes them slower.
  static constexpr size_t kMaxKept = 64;
  std::mutex mutex_;
  std::map<std::string, std::string> kept_;
  state::SingleFlight<std::string> compiling_;
};

}  // namespace trivet::container
