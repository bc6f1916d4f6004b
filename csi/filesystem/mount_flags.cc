#include "csi/filesystem/mount_flags.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace trivet::csi {
namespace {

struct Attribute {
  std::string_view name;
  uint64_t clear;
  uint64_t set;
};

constexpr std::array<Attribute, 13> kAttributes = {{
    {"ro", 0, MOUNT_ATTR_RDONLY},
    {"rw", MOUNT_ATTR_RDONLY, 0},
    {"nosuid", 0, MOUNT_ATTR_NOSUID},
    {"suid", MOUNT_ATTR_NOSUID, 0},
    {"nodev", 0, MOUNT_ATTR_NODEV},
    {"dev", MOUNT_ATTR_NODEV, 0},
    {"noexec", 0, MOUNT_ATTR_NOEXEC},
    {"exec", MOUNT_ATTR_NOEXEC, 0},
    {"noatime", MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME},
    {"strictatime", MOUNT_ATTR__ATIME, MOUNT_ATTR_STRICTATIME},
    {"relatime", MOUNT_ATTR__ATIME, MOUNT_ATTR_RELATIME},
    {"nodiratime", 0, MOUNT_ATTR_NODIRATIME},
    {"diratime", MOUNT_ATTR_NODIRATIME, 0},
}};

constexpr std::array<std::string_view, 18> kRefused = {
    "remount", "bind",     "rbind",        "move",        "shared",     "rshared",
    "private", "rprivate", "slave",        "rslave",      "unbindable", "runbindable",
    "loop",    "offset",   "journal_path", "journal_dev", "logdev",     "rtdev"};

bool IsPlain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c != 0x7F && c != '\\'; });
}

Result<> Add(const std::string& key, const std::string& value, MountFlags& flags) {
  if (key.empty() || !IsPlain(key) || !IsPlain(value)) {
    return Fail(Code::kInvalidArgument, "mount_flags: an option with characters none has");
  }
  if (std::ranges::find(kRefused, key) != kRefused.end()) {
    return Fail(Code::kInvalidArgument, "mount_flags: {} is not allowed", key);
  }
  const auto* found = std::ranges::find(kAttributes, key, &Attribute::name);
  if (found == kAttributes.end()) {
    if (key != "defaults") flags.options.emplace_back(key, value);
    return {};
  }
  flags.attributes = (flags.attributes & ~found->clear) | found->set;
  return {};
}

}  // namespace

Result<MountFlags> ParseMountFlags(const std::vector<std::string>& flags) {
  constexpr size_t kMaxBytes = 4096;  // CSI spec, "Size Limits"
  MountFlags parsed;
  size_t bytes = 0;
  for (const std::string& flag : flags) {
    bytes += flag.size();
    if (bytes > kMaxBytes) {
      return Fail(Code::kInvalidArgument, "mount_flags: more than {} bytes", kMaxBytes);
    }
    for (const auto& [key, value] : ParseMountOptions(flag)) {
      RETURN_IF_ERROR(Add(key, value, parsed));
    }
  }
  return parsed;
}

}  // namespace trivet::csi
