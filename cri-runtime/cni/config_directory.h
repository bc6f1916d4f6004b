#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "cri-runtime/cni/network_config.h"

namespace trivet::network {

/// The first configuration by file name in `directory` (*.conflist, *.conf, *.json). A file that
/// is no configuration is passed over, as the field's runtimes do: the next one decides. A list
/// that does not say "loadOnlyInlinedPlugins" gets the plugins of <directory>/<its name>/*.conf,
/// too; its `text` then has them inlined.
///
/// Read anew at each call: one folder and one small file cost some 50 µs, and neither a missed
/// event nor a clock can make it stale.
/// Errors: kNotFound naming the folder, and the first bad file's reason when there was one.
Result<NetworkConfig> LoadNetworkConfig(const std::filesystem::path& directory);

}  // namespace trivet::network
