#pragma once

#include <filesystem>

#include "common/base/error.h"

namespace trivet::ctl {

/// `trivetctl ps`: every sandbox of the runtime and its containers, whoever made them.
Result<> ListPods(const std::filesystem::path& cri_socket, bool json);

}  // namespace trivet::ctl
