#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

#include "common/base/error.h"
#include "ctl/node/node.h"

namespace trivet::ctl {

struct PlayOptions {
  std::filesystem::path manifests;  // -f: a file or a folder
  std::optional<std::chrono::milliseconds> wait_timeout;
  bool json = false;
};

/// `trivetctl run -f …`
Result<> RunManifests(const NodeOptions& node, const PlayOptions& options);
/// `trivetctl delete -f …`
Result<> DeleteManifests(const NodeOptions& node, const PlayOptions& options);

}  // namespace trivet::ctl
