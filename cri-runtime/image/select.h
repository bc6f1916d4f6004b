#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/image/limits.h"
#include "cri-runtime/image/platform.h"
#include "cri-runtime/image/source.h"

namespace trivet::image {

/// One image that a layout offers to this machine.
struct Selected {
  Descriptor manifest;
  Digest published;  // what "name@digest" means: the index's digest where there is one
  std::string name;  // as the layout has it; may be empty
};

struct Wanted {
  Platform platform;
  std::string name;  // empty for all
};

/// The images of index.json for the platform, in its order; for each index in it
/// the one manifest that fits.
/// Errors: kNotFound when nothing fits, saying what there is.
/// Source: OCI image specification, image-index.md.
Result<std::vector<Selected>> SelectImages(const Source& source, const Wanted& wanted,
                                           uint64_t json_limit_bytes);

}  // namespace trivet::image
