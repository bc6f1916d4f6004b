#include "cri-runtime/container/devices.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace trivet::container {

Result<std::vector<shim::DeviceSpec>> PrepareDevices(const std::vector<Device>& devices) {
  std::vector<shim::DeviceSpec> specs;
  for (const Device& device : devices) {
    struct stat status {};
    if (::stat(device.host_path.c_str(), &status) != 0) {
      return FailErrno("device {}", device.host_path);
    }
    if (!S_ISBLK(status.st_mode) && !S_ISCHR(status.st_mode)) {
      return Fail(Code::kInvalidArgument, "device {}: not a device", device.host_path);
    }
    specs.push_back({.path = device.container_path,
                     .block = S_ISBLK(status.st_mode),
                     .major = major(status.st_rdev),
                     .minor = minor(status.st_rdev),
                     .mode = status.st_mode & 07777u});
  }
  return specs;
}

}  // namespace trivet::container
