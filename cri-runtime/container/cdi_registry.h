#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/container/cdi_spec.h"

namespace trivet::container::cdi {

/// What the named devices ("vendor.com/class=gpu0") add to a container. The files (*.json, *.yaml)
/// are read at each call; a folder that comes later in `directories` counts more. A file that
/// cannot be read is passed over as long as every device is found without it.
/// Errors: kNotFound naming the device, with the reasons of files that were passed over;
/// kInvalidArgument for a name that is none, and for a device that two files of one folder define.
Result<Edits> FindEdits(const std::vector<std::string>& directories,
                        const std::vector<std::string>& devices);

/// `config` with the edits: what was asked for stays and comes first.
Config Inject(Config config, const Edits& edits);

}  // namespace trivet::container::cdi
