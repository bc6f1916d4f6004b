#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "cri-runtime/container/record.h"
#include "cri-runtime/image/image.h"

namespace trivet::container {

/// What is executed: `command` replaces the image's entrypoint and its arguments, `args` only
/// the arguments. Errors: kInvalidArgument when nothing is left.
/// Source: CRI, ContainerConfig; Kubernetes' table of command and args.
Result<std::vector<std::string>> MergeArgs(const Config& config, const image::Config& image);

/// Where it begins: the configuration's folder without "..", or else the image's, or else "/".
std::string WorkingDirectory(const Config& config, const image::Config& image);

/// The environment: defaults, then the image's, then the configuration's; the last of a name wins
/// and keeps the place of the first.
std::vector<std::string> MergeEnvironment(const Config& config, const image::Config& image,
                                          const User& user, const std::string& hostname);

}  // namespace trivet::container
