#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "csi/pool/io_limits.h"

namespace trivet::csi {

/// When the space that a file system no longer uses goes back to the pool.
enum class Trim {
  kNever,    // the default: what a volume has written stays allocated
  kUnstage,  // each time it is unstaged (FITRIM)
  kOnline,   // at once: it is mounted with "discard"
};

std::string_view NameOf(Trim trim);
std::optional<Trim> TrimNamed(std::string_view name);

/// What ControllerModifyVolume can change, as a VolumeAttributesClass says it.
struct MutableParameters {
  IoLimits limits;
  Trim trim = Trim::kNever;

  bool operator==(const MutableParameters&) const = default;
};

/// `parameters` with these keys changed; the others stay. Keys: readBytesPerSecond,
/// writeBytesPerSecond, readOperationsPerSecond, writeOperationsPerSecond (decimal, 0 = no limit)
/// and trim (never, unstage, online).
/// Errors: kInvalidArgument naming the key; then nothing is changed.
Result<MutableParameters> Changed(MutableParameters parameters,
                                  const std::map<std::string, std::string>& changes);

/// What Changed would make these parameters of: those that are not the default.
std::map<std::string, std::string> Written(const MutableParameters& parameters);

}  // namespace trivet::csi
