#include "cri-runtime/container/devices.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/linux/file.h"

namespace trivet::container {
namespace {

// What a container's /dev has of its own.
constexpr std::array<std::string_view, 12> kOwn{"pts",     "shm",    "mqueue",  "fd",
                                                "console", "ptmx",   "null",    "zero",
                                                "full",    "random", "urandom", "tty"};

shim::DeviceSpec Describe(const std::string& path, const struct stat& status) {
  return {.path = path,
          .block = S_ISBLK(status.st_mode),
          .major = major(status.st_rdev),
          .minor = minor(status.st_rdev),
          .mode = status.st_mode & 07777u};
}

Result<> Collect(const std::filesystem::path& folder, std::vector<shim::DeviceSpec>& devices) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder));
  for (const std::string& name : names) {
    const std::filesystem::path path = folder / name;
    struct stat status{};
    if (folder == "/dev" && std::ranges::find(kOwn, name) != kOwn.end()) continue;
    if (::lstat(path.c_str(), &status) != 0) continue;  // gone meanwhile
    if (S_ISDIR(status.st_mode)) RETURN_IF_ERROR(Collect(path, devices));
    if (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode)) {
      devices.push_back(Describe(path.native(), status));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<shim::DeviceSpec>> PrepareDevices(const std::vector<Device>& devices) {
  std::vector<shim::DeviceSpec> specs;
  for (const Device& device : devices) {
    struct stat status{};
    if (::stat(device.host_path.c_str(), &status) != 0) {
      if (errno == ENOENT && device.major >= 0 && device.minor >= 0) {
        specs.push_back({.path = device.container_path,
                         .block = device.is_block,
                         .major = static_cast<uint32_t>(device.major),
                         .minor = static_cast<uint32_t>(device.minor)});
        continue;
      }
      return FailErrno("device {}", device.host_path);
    }
    if (!S_ISBLK(status.st_mode) && !S_ISCHR(status.st_mode)) {
      return Fail(Code::kInvalidArgument, "device {}: not a device", device.host_path);
    }
    specs.push_back(Describe(device.container_path, status));
  }
  return specs;
}

Result<std::vector<DeviceRule>> RulesOf(const std::vector<Device>& devices) {
  ASSIGN_OR_RETURN(const std::vector<shim::DeviceSpec> specs, PrepareDevices(devices));
  std::vector<DeviceRule> rules = DefaultDeviceRules();
  for (size_t i = 0; i < specs.size(); ++i) {
    DeviceRule rule{.block = specs[i].block, .major = specs[i].major, .minor = specs[i].minor};
    // Nothing said is everything, as in a CDI file.
    const std::string& asked = devices[i].permissions;
    RETURN_IF_ERROR(SetPermissions(rule, asked.empty() ? "rwm" : asked),
                    "device " + devices[i].container_path);
    rules.push_back(rule);
  }
  return rules;
}

Result<std::vector<shim::DeviceSpec>> NodeDevices() {
  std::vector<shim::DeviceSpec> devices;
  RETURN_IF_ERROR(Collect("/dev", devices), "devices");
  return devices;
}

}  // namespace trivet::container
