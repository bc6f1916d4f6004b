#include "csi/pool/block_device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <optional>

namespace trivet::csi {
namespace {

// The kernel's own node of the device, "/dev/dm-3": what a link leads to may change while the
// device is there (udev comes after lvm2), and a bound node is known by its name in the mount
// table.
std::optional<std::filesystem::path> NodeOf(dev_t number) {
  std::error_code error;
  const std::filesystem::path sys = std::filesystem::canonical(
      fmt::format("/sys/dev/block/{}:{}", major(number), minor(number)), error);
  if (error) return std::nullopt;
  const std::filesystem::path node = "/dev" / sys.filename();
  struct stat info{};
  const bool is_same = ::stat(node.c_str(), &info) == 0 && info.st_rdev == number;
  return is_same ? std::optional(node) : std::nullopt;
}

}  // namespace

Result<BlockDevice> OpenBlockDevice(const std::filesystem::path& link, int access) {
  UniqueFd fd(::open(link.c_str(), access | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", link.native());
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return FailErrno("stat {}", link.native());
  if (!S_ISBLK(info.st_mode)) {
    return Fail(Code::kFailedPrecondition, "{}: not a block device", link.native());
  }
  return BlockDevice{{NodeOf(info.st_rdev).value_or(link), info.st_rdev}, std::move(fd)};
}

Result<> SetReadOnly(const BlockDevice& device, bool read_only) {
  int value = read_only ? 1 : 0;
  if (::ioctl(device.fd.get(), BLKROSET, &value) == 0) return {};
  return FailErrno("make {} {}", device.path.native(), read_only ? "read-only" : "writable");
}

}  // namespace trivet::csi
