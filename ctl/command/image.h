#pragma once

#include <filesystem>
#include <string>

#include "common/base/error.h"

namespace trivet::ctl {

/// `trivetctl image import oci:/FOLDER[:NAME] | oci-archive:/FILE[:NAME]`
Result<> ImportImage(const std::filesystem::path& cri_socket, const std::string& location);
/// `trivetctl image ls`
Result<> ListImages(const std::filesystem::path& cri_socket, bool json);
/// `trivetctl image rm NAME`; absent is success.
Result<> RemoveImage(const std::filesystem::path& cri_socket, const std::string& name);

/// The location as the runtime wants it: a path becomes absolute, and a bare path to a folder or
/// a file gets its transport. Errors: kNotFound, kInvalidArgument.
Result<std::string> MakeImportLocation(const std::string& text);

}  // namespace trivet::ctl
