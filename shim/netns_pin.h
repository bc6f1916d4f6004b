#pragma once

#include <string>

#include "common/base/error.h"

/// A file at which this process's network namespace can be found by name, as CNI wants it.
namespace trivet::shim {

/// Mounts the namespace at `path`, which is made; when the folder around it is shared with other
/// mount namespaces it is made private first, or copies of the mount would keep the namespace
/// alive.
Result<> PinNetworkNamespace(const std::string& path);

/// Removes the mount and the file; absent is success.
Result<> UnpinNetworkNamespace(const std::string& path);

}  // namespace trivet::shim
