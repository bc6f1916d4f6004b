#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "ctl/command/target.h"

namespace trivet::ctl {

/// `trivetctl exec POD -- CMD…`: runs the command in the container to its end, prints what it
/// wrote, and returns its exit code. Without input: ExecSync has none.
/// `timeout` zero: as long as it takes.
Result<int> Execute(const std::filesystem::path& cri_socket, const TargetName& name,
                    const std::vector<std::string>& command, std::chrono::seconds timeout);

}  // namespace trivet::ctl
