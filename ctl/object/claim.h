#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "ctl/object/metadata.h"

namespace trivet::ctl {

/// PersistentVolumeClaim v1.
struct Claim {
  Metadata metadata;
  std::vector<std::string> access_modes;  // ReadWriteOnce, ...
  int64_t request_bytes = 0;
  std::optional<int64_t> limit_bytes;
  bool block = false;  // volumeMode Block
};

/// Errors: kInvalidArgument "file:line: field: reason".
Result<Claim> ReadClaim(Fields document);

}  // namespace trivet::ctl
