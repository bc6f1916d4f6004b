#include "csi/pool/io_limiter.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "common/linux/file.h"

namespace trivet::csi {
namespace {

using Folder = std::filesystem::path;

std::string NumberOf(dev_t device) {
  return fmt::format("{}:{}", major(device), minor(device));
}

std::string MaxOr(uint64_t limit) {
  return limit == 0 ? "max" : std::to_string(limit);
}

// A group that is removed meanwhile has no limits.
Result<> UnlessGone(Result<> written) {
  const bool gone = !written && (written.error().code() == Code::kNotFound ||
                                 written.error().sys_errno() == ENODEV);
  return gone ? Result<>{} : std::move(written);
}

Result<std::string> CurrentOf(const Folder& file, const std::string& device) {
  auto text = ReadFile(file);
  if (!text && text.error().code() == Code::kNotFound) return std::string();
  RETURN_IF_ERROR(text);
  return LineOfDevice(*text, device);
}

// "rbps=1000 wbps=max riops=max wiops=max", in the kernel's own order.
Result<> ApplyIo(const Folder& folder, const std::string& device, const IoLimits& limits) {
  const Folder file = folder / "io.max";
  const std::string wanted =
      fmt::format("rbps={} wbps={} riops={} wiops={}", MaxOr(limits.read_bytes_per_second),
                  MaxOr(limits.write_bytes_per_second), MaxOr(limits.read_operations_per_second),
                  MaxOr(limits.write_operations_per_second));
  ASSIGN_OR_RETURN(const std::string current, CurrentOf(file, device));
  if (current == wanted || (current.empty() && !limits.any())) return {};
  return UnlessGone(WriteControlFile(file, fmt::format("{} {}", device, wanted)));
}

Result<> ApplyBlkio(const Folder& folder, const std::string& device, const IoLimits& limits) {
  const std::array<std::pair<const char*, uint64_t>, 4> files = {{
      {"blkio.throttle.read_bps_device", limits.read_bytes_per_second},
      {"blkio.throttle.write_bps_device", limits.write_bytes_per_second},
      {"blkio.throttle.read_iops_device", limits.read_operations_per_second},
      {"blkio.throttle.write_iops_device", limits.write_operations_per_second},
  }};
  for (const auto& [name, limit] : files) {
    ASSIGN_OR_RETURN(const std::string current, CurrentOf(folder / name, device));
    if (current == std::to_string(limit) || (current.empty() && limit == 0)) continue;
    RETURN_IF_ERROR(
        UnlessGone(WriteControlFile(folder / name, fmt::format("{} {}", device, limit))));
  }
  return {};
}

std::vector<Folder> GroupsBelow(const Folder& folder, bool deep) {
  std::vector<Folder> found;
  const auto names = ListDirectory(folder);
  if (!names) return found;
  for (const std::string& name : *names) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder / name, error)) continue;
    found.push_back(folder / name);
    if (deep) std::ranges::copy(GroupsBelow(folder / name, true), std::back_inserter(found));
  }
  return found;
}

}  // namespace

IoLimiter::IoLimiter(const std::filesystem::path& root, std::vector<std::string> groups)
    : groups_(std::move(groups)) {
  const auto controllers = ReadFile(root / "cgroup.controllers");
  if (controllers && (" " + *controllers).contains(" io")) {
    kind_ = Kind::kIo;
    hierarchy_ = root;
  } else if (std::filesystem::exists(root / "blkio" / "blkio.throttle.read_bps_device")) {
    kind_ = Kind::kBlkio;
    hierarchy_ = root / "blkio";
  }
}

std::vector<std::filesystem::path> IoLimiter::Folders() const {
  std::vector<Folder> folders;
  for (const std::string& group : groups_) {
    const Folder folder = group == "/" ? hierarchy_ : hierarchy_ / Folder(group).relative_path();
    if (kind_ == Kind::kBlkio || group != "/") folders.push_back(folder);
    if (kind_ == Kind::kIo && group != "/") continue;
    std::ranges::copy(GroupsBelow(folder, kind_ == Kind::kBlkio), std::back_inserter(folders));
  }
  return folders;
}

Result<> IoLimiter::Apply(dev_t device, const IoLimits& limits) const {
  if (kind_ == Kind::kNone) {
    if (!limits.any()) return {};
    return Fail(Code::kFailedPrecondition,
                "limit the speed: this node has no io (cgroup v2) or blkio (v1) controller");
  }
  for (const Folder& folder : Folders()) {
    const std::string number = NumberOf(device);
    RETURN_IF_ERROR(
        kind_ == Kind::kIo ? ApplyIo(folder, number, limits) : ApplyBlkio(folder, number, limits),
        "limit the speed");
  }
  return {};
}

std::string LineOfDevice(const std::string& text, const std::string& device) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(device + " ")) return line.substr(device.size() + 1);
  }
  return "";
}

}  // namespace trivet::csi
