#pragma once

#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/image/digest.h"
#include "cri-runtime/image/image.h"
#include "cri-runtime/image/platform.h"

namespace trivet::image {

/// The configuration blob of an image.
struct ImageConfig {
  Platform platform;
  std::vector<Digest> diff_ids;  // of the unpacked layers, lowest first
  Config config;
};

/// Parses and checks a configuration blob. Unknown keys are ignored, as the
/// specification asks; known ones are held to form and size.
/// Errors: kInvalidArgument naming the field.
/// Source: OCI image specification, config.md.
Result<ImageConfig> ParseImageConfig(std::string_view text);

}  // namespace trivet::image
