#include "csi/pool/whole_device.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "common/linux/file.h"
#include "csi/filesystem/superblock.h"
#include "csi/pool/block_device.h"
#include "csi/volume/capacity.h"

namespace trivet::csi {
namespace {

std::filesystem::path SysFolderOf(const WholeDevice& device) {
  return fmt::format("/sys/dev/block/{}:{}", major(device.number), minor(device.number));
}

// One line of sysfs; empty when there is no such file.
std::string SysLine(const std::filesystem::path& file) {
  std::string text = ReadFile(file).value_or("");
  while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
  return text;
}

uint64_t SizeInSectors(const WholeDevice& device) {
  constexpr uint64_t kSysSectorBytes = 512;  // of "size", whatever the device's own
  const std::string text = SysLine(SysFolderOf(device) / "size");
  uint64_t sectors = 0;
  std::from_chars(text.data(), text.data() + text.size(), sectors);
  return std::min(sectors * kSysSectorBytes, kMaxVolumeBytes) / kSectorBytes * kSectorBytes;
}

std::string IdentityOf(const WholeDevice& device) {
  for (const char* file : {"wwid", "device/wwid", "device/serial", "serial", "loop/backing_file"}) {
    if (std::string line = SysLine(SysFolderOf(device) / file); !line.empty()) return line;
  }
  return "";
}

bool HasPartitions(const WholeDevice& device) {
  const auto names = ListDirectory(SysFolderOf(device));
  return names && std::ranges::any_of(*names, [&](const std::string& name) {
           std::error_code error;
           return std::filesystem::exists(SysFolderOf(device) / name / "partition", error);
         });
}

std::string HolderOf(const WholeDevice& device) {
  const auto holders = ListDirectory(SysFolderOf(device) / "holders");
  return holders && !holders->empty() ? holders->front() : "";
}

// What libblkid knows, also of labels at a device's end.
std::optional<std::string> SignatureOn(int fd) {
  const std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)> probe(::blkid_new_probe(),
                                                                         ::blkid_free_probe);
  if (!probe || ::blkid_probe_set_device(probe.get(), fd, 0, 0) != 0) return "something unreadable";
  ::blkid_probe_enable_superblocks(probe.get(), 1);
  ::blkid_probe_enable_partitions(probe.get(), 1);
  const int found = ::blkid_do_safeprobe(probe.get());
  if (found == 1) return std::nullopt;
  if (found != 0) return "several signatures";
  for (const char* name : {"TYPE", "PTTYPE"}) {
    const char* value = nullptr;
    if (::blkid_probe_lookup_value(probe.get(), name, &value, nullptr) == 0) return value;
  }
  return "a signature";
}

std::vector<std::filesystem::path> Matches(const std::filesystem::path& pattern) {
  glob_t found{};
  std::vector<std::filesystem::path> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return paths;
}

}  // namespace

Result<WholeDevice> LookAtDevice(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return FailErrno("device {}", path.native());
  if (!S_ISBLK(info.st_mode)) {
    return Fail(Code::kFailedPrecondition, "device {}: not a block device", path.native());
  }
  WholeDevice device{.path = path, .number = info.st_rdev};
  device.size_bytes = SizeInSectors(device);
  device.identity = IdentityOf(device);
  std::error_code error;
  device.is_partition = std::filesystem::exists(SysFolderOf(device) / "partition", error);
  return device;
}

std::vector<WholeDevice> FindWholeDevices(const std::vector<std::filesystem::path>& patterns) {
  std::vector<WholeDevice> devices;
  for (const std::filesystem::path& pattern : patterns) {
    for (const std::filesystem::path& path : Matches(pattern)) {
      auto device = LookAtDevice(path);
      if (!device || (device->is_partition && path != pattern)) continue;
      const auto known = std::ranges::find(devices, device->number, &WholeDevice::number);
      if (known == devices.end()) devices.push_back(std::move(*device));
    }
  }
  std::ranges::stable_sort(devices, {}, &WholeDevice::size_bytes);
  return devices;
}

std::optional<std::string> WhyNotFree(const WholeDevice& device) {
  if (device.size_bytes == 0) return "it has no size";
  if (SysLine(SysFolderOf(device) / "ro") == "1") return "it is read-only";
  if (HasPartitions(device)) return "it has partitions";
  if (const std::string holder = HolderOf(device); !holder.empty())
    return "it is part of " + holder;
  // The kernel gives a device exclusively to one: a mount, a RAID, swap, a volume manager.
  const auto opened = OpenBlockDevice(device.path, O_RDONLY | O_EXCL);
  if (!opened && opened.error().sys_errno() == EBUSY) return "it is in use";
  if (!opened) return opened.error().message();
  if (const auto signature = SignatureOn(opened->fd.get())) return "it carries " + *signature;
  const auto start = ReadSuperblock(opened->fd.get());
  if (!start) return start.error().message();
  if (!start->blank) return "it holds data";
  return std::nullopt;
}

}  // namespace trivet::csi
