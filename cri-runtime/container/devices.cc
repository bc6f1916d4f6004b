#include "cri-runtime/container/devices.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>

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
          .mode = status.st_mode & 07777u,
          .uid = status.st_uid,
          .gid = status.st_gid};
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

// "/dev/snd" at "/dev/sound": every device below, at the same place below.
Result<std::vector<shim::DeviceSpec>> NodesBelow(const Device& device) {
  const std::filesystem::path folder = std::filesystem::path(device.host_path).lexically_normal();
  std::vector<shim::DeviceSpec> specs;
  RETURN_IF_ERROR(Collect(folder, specs), "device " + device.host_path);
  for (shim::DeviceSpec& spec : specs) {
    const auto place = std::filesystem::path(spec.path).lexically_relative(folder);
    spec.path = (std::filesystem::path(device.container_path) / place).native();
  }
  return specs;
}

Result<std::vector<shim::DeviceSpec>> NodesAt(const Device& device) {
  struct stat status{};
  if (::stat(device.host_path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return NodesBelow(device);
    if (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode)) {
      return std::vector{Describe(device.container_path, status)};
    }
    return Fail(Code::kInvalidArgument, "device {}: not a device", device.host_path);
  }
  if (errno != ENOENT || device.major < 0 || device.minor < 0) {
    return FailErrno("device {}", device.host_path);
  }
  return std::vector{shim::DeviceSpec{.path = device.container_path,
                                      .block = device.is_block,
                                      .major = static_cast<uint32_t>(device.major),
                                      .minor = static_cast<uint32_t>(device.minor)}};
}

Result<std::vector<shim::DeviceSpec>> NodesOf(const Device& device) {
  ASSIGN_OR_RETURN(std::vector<shim::DeviceSpec> specs, NodesAt(device));
  for (shim::DeviceSpec& spec : specs) {
    spec.mode = device.mode.value_or(spec.mode);
    spec.uid = device.uid.value_or(spec.uid);
    spec.gid = device.gid.value_or(spec.gid);
  }
  return specs;
}

}  // namespace

void OwnInjected(const User& user, const std::optional<sandbox::UserNamespace>& user_namespace,
                 std::vector<Device>& devices) {
  for (Device& device : devices) {
    if (!device.injected) continue;
    if (!device.uid && user.uid != 0) device.uid = user.uid;
    if (!device.gid && user.gid != 0) device.gid = user.gid;
    if (device.uid && user_namespace) *device.uid += user_namespace->uids.host_id;
    if (device.gid && user_namespace) *device.gid += user_namespace->gids.host_id;
  }
}

Result<std::vector<shim::DeviceSpec>> PrepareDevices(const std::vector<Device>& devices) {
  std::vector<shim::DeviceSpec> specs;
  for (const Device& device : devices) {
    ASSIGN_OR_RETURN(std::vector<shim::DeviceSpec> found, NodesOf(device));
    std::ranges::move(found, std::back_inserter(specs));
  }
  return specs;
}

Result<std::vector<DeviceRule>> RulesOf(const std::vector<Device>& devices) {
  std::vector<DeviceRule> rules = DefaultDeviceRules();
  for (const Device& device : devices) {
    if (device.permissions == kNoPermissions) continue;
    ASSIGN_OR_RETURN(const std::vector<shim::DeviceSpec> specs, NodesOf(device));
    for (const shim::DeviceSpec& spec : specs) {
      DeviceRule rule{.block = spec.block, .major = spec.major, .minor = spec.minor};
      // Nothing said is everything, as in a CDI file.
      RETURN_IF_ERROR(SetPermissions(rule, device.permissions.empty() ? "rwm" : device.permissions),
                      "device " + device.container_path);
      rules.push_back(rule);
    }
  }
  return rules;
}

Result<std::vector<shim::DeviceSpec>> NodeDevices() {
  std::vector<shim::DeviceSpec> devices;
  RETURN_IF_ERROR(Collect("/dev", devices), "devices");
  return devices;
}

}  // namespace trivet::container
