#pragma once

#include <filesystem>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

/// A file at which the calling thread's network namespace can be found by name, as CNI wants it.
namespace trivet {

/// Makes `folder`, private where it is shared with other mount namespaces: copies of the mounts in
/// it would keep the namespaces alive. Once is enough.
Result<> MakePinFolder(const std::filesystem::path& folder);

/// Mounts the namespace at `path`, which is made, in a folder from MakePinFolder.
Result<> PinNetworkNamespace(const std::string& path);

/// The same for a namespace that is held by a descriptor.
Result<> PinNetworkNamespace(const UniqueFd& netns, const std::string& path);

/// Removes the mount and the file; absent is success.
Result<> UnpinNetworkNamespace(const std::string& path);

/// Sets "lo" up in the calling thread's network namespace.
Result<> SetLoopbackUp();

}  // namespace trivet
