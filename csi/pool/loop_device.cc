#include "csi/pool/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "common/linux/file.h"
#include "csi/volume/capacity.h"

namespace trivet::csi::loop {
namespace {

const std::filesystem::path kSysBlock = "/sys/block";
constexpr std::string_view kDeleted = " (deleted)";  // after the name of a file that is

// A node without udev or devtmpfs has no /dev/loopN for a number just allocated.
Result<> MakeNode(const std::filesystem::path& node) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(kSysBlock / node.filename() / "dev"),
                   "loop device number");
  unsigned major = 0;
  unsigned minor = 0;
  if (std::sscanf(text.c_str(), "%u:%u", &major, &minor) != 2) {
    return Fail(Code::kInternal, "loop device number: unexpected {}", text);
  }
  if (::mknod(node.c_str(), S_IFBLK | 0600, makedev(major, minor)) != 0 && errno != EEXIST) {
    return FailErrno("mknod {}", node.native());
  }
  return {};
}

Result<BlockDevice> Open(const std::filesystem::path& node, int access) {
  UniqueFd fd(::open(node.c_str(), access | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) {
    RETURN_IF_ERROR(MakeNode(node));
    fd = UniqueFd(::open(node.c_str(), access | O_CLOEXEC));
  }
  if (!fd.valid()) return FailErrno("open {}", node.native());
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return FailErrno("stat {}", node.native());
  if (!S_ISBLK(info.st_mode)) {
    return Fail(Code::kFailedPrecondition, "{}: not a block device", node.native());
  }
  return BlockDevice{{node, info.st_rdev}, std::move(fd)};
}

Result<std::filesystem::path> GetFree() {
  const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.valid()) return FailErrno("open /dev/loop-control");
  const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
  if (number < 0) return FailErrno("allocate loop device");
  return std::filesystem::path(fmt::format("/dev/loop{}", number));
}

// LO_NAME_SIZE is short: the end of the path says more than its start.
void SetName(loop_info64& info, const std::filesystem::path& image) {
  const std::string name = image.filename();
  const size_t length = std::min(name.size(), sizeof(info.lo_file_name) - 1);
  std::memcpy(info.lo_file_name, name.data(), length);
}

loop_config MakeConfig(int image_fd, const std::filesystem::path& image,
                       const AttachOptions& options) {
  loop_config config{};
  config.fd = static_cast<uint32_t>(image_fd);
  config.block_size = kSectorBytes;
  config.info.lo_flags = LO_FLAGS_DIRECT_IO;
  if (options.read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
  if (options.release_with_last_user) config.info.lo_flags |= LO_FLAGS_AUTOCLEAR;
  SetName(config.info, image);
  return config;
}

// Older kernels fail instead of falling back to buffered I/O.
int Configure(int device_fd, loop_config& config) {
  if (::ioctl(device_fd, LOOP_CONFIGURE, &config) == 0) return 0;
  if (errno != EINVAL) return -1;
  config.info.lo_flags &= ~static_cast<uint32_t>(LO_FLAGS_DIRECT_IO);
  return ::ioctl(device_fd, LOOP_CONFIGURE, &config);
}

// What sysfs says is behind the device; empty when nothing is. Only devices whose
// file has the right name are opened: opening a stranger's can delay its release.
std::string BackingFile(const std::string& device) {
  auto text = ReadFile(kSysBlock / device / "loop" / "backing_file");
  if (!text) return "";
  while (text->ends_with('\n')) text->pop_back();
  return *text;
}

// A number that no other binding of any device has had since the node started.
// Source: Documentation/ABI/stable/sysfs-block, diskseq; disk_force_media_change() in
// block/disk-events.c, which loop.c calls when a file is bound, changed and let go.
std::string BindingOf(const DeviceName& device) {
  return ReadFile(kSysBlock / device.path.filename() / "diskseq").value_or("");
}

bool IsSameFile(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool IsBackedBy(const BlockDevice& device, const struct stat& file) {
  loop_info64 info{};
  return ::ioctl(device.fd.get(), LOOP_GET_STATUS64, &info) == 0 && info.lo_device == file.st_dev &&
         info.lo_inode == file.st_ino;
}

// What is at a path: the file, or the name of one that was deleted.
struct Image {
  explicit Image(const std::filesystem::path& image) : path(image) {}
  Result<> Stat() {
    deleted = ::stat(path.c_str(), &file) != 0;
    if (deleted && errno != ENOENT) return FailErrno("stat {}", path.native());
    return {};
  }

  std::filesystem::path path;
  struct stat file{};
  bool deleted = false;
};

// The device if it shows the image; none also when it is released just now.
std::optional<BlockDevice> OpenIfShown(const Image& image, const std::string& device) {
  const std::string backing = BackingFile(device);
  const bool candidate = image.deleted
                             ? backing == image.path.native() + std::string(kDeleted)
                             : std::filesystem::path(backing).filename() == image.path.filename();
  if (!candidate) return std::nullopt;
  auto opened = Open("/dev/" + device, O_RDONLY);
  if (!opened) return std::nullopt;
  if (image.deleted || IsBackedBy(*opened, image.file)) return std::move(*opened);
  return std::nullopt;
}

Result<std::optional<BlockDevice>> FindAnywhere(const Image& image) {
  ASSIGN_OR_RETURN(const std::vector<std::string> devices, ListDirectory(kSysBlock));
  for (const std::string& name : devices) {
    if (!name.starts_with("loop")) continue;
    if (auto device = OpenIfShown(image, name)) return device;
  }
  return std::nullopt;
}

}  // namespace

Result<BlockDevice> Attach(const std::filesystem::path& image, const AttachOptions& options) {
  constexpr int kAttempts = 64;  // each lost one was won by another process
  const int access = options.read_only ? O_RDONLY : O_RDWR;
  const UniqueFd image_fd(::open(image.c_str(), access | O_CLOEXEC | O_NOFOLLOW));
  if (!image_fd.valid()) return FailErrno("open {}", image.native());

  loop_config config = MakeConfig(image_fd.get(), image, options);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(const std::filesystem::path node, GetFree());
    ASSIGN_OR_RETURN(BlockDevice device, Open(node, access));
    if (Configure(device.fd.get(), config) == 0) return device;
    if (errno != EBUSY) return FailErrno("bind {} to {}", image.native(), node.native());
  }
  return Fail(Code::kUnavailable, "bind {}: every free loop device was taken by others",
              image.native());
}

Result<std::optional<BlockDevice>> Find(const std::filesystem::path& path) {
  Image image(path);
  RETURN_IF_ERROR(image.Stat());
  return FindAnywhere(image);
}

std::optional<Finder::Seen> Finder::LastSeen(const std::filesystem::path& image) {
  const std::lock_guard lock(mutex_);
  const auto found = last_seen_.find(image);
  return found == last_seen_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<BlockDevice>> Finder::Find(const std::filesystem::path& path) {
  Image image(path);
  RETURN_IF_ERROR(image.Stat());
  if (const auto seen = LastSeen(path)) {
    if (auto device = OpenIfShown(image, seen->device.path.filename())) return device;
  }
  ASSIGN_OR_RETURN(auto device, FindAnywhere(image));
  if (device) {
    Note(path, *device);
  } else {
    const std::lock_guard lock(mutex_);
    last_seen_.erase(path);
  }
  return device;
}

Result<std::optional<DeviceName>> Finder::See(const std::filesystem::path& path) {
  Image image(path);
  RETURN_IF_ERROR(image.Stat());
  const auto seen = LastSeen(path);
  const bool is_known = seen && !seen->binding.empty() && !image.deleted &&
                        IsSameFile(seen->file, image.file) &&
                        seen->binding == BindingOf(seen->device);
  if (is_known) return seen->device;
  ASSIGN_OR_RETURN(const auto device, Find(path));
  if (!device) return std::nullopt;
  Note(path, *device);
  return *device;
}

// The binding is read before the look at what is bound: should it change in between, what is noted
// is a former one, which no look finds again.
void Finder::Note(const std::filesystem::path& path, const BlockDevice& device) {
  Seen seen{.device = static_cast<const DeviceName&>(device), .binding = BindingOf(device)};
  Image image(path);
  const bool is_shown = image.Stat() && !image.deleted && IsBackedBy(device, image.file);
  if (!is_shown) seen.binding.clear();
  seen.file = image.file;
  const std::lock_guard lock(mutex_);
  last_seen_[path] = std::move(seen);
}

Result<std::set<std::string>> ShownFileNames() {
  ASSIGN_OR_RETURN(const std::vector<std::string> devices, ListDirectory(kSysBlock));
  std::set<std::string> names;
  for (const std::string& device : devices) {
    if (!device.starts_with("loop")) continue;
    std::string backing = BackingFile(device);
    if (backing.ends_with(kDeleted)) backing.resize(backing.size() - kDeleted.size());
    if (!backing.empty()) names.insert(std::filesystem::path(backing).filename());
  }
  return names;
}

Result<> Detach(const BlockDevice& device) {
  if (::ioctl(device.fd.get(), LOOP_CLR_FD) == 0 || errno == ENXIO) return {};
  return FailErrno("detach {}", device.path.native());
}

Result<> Refresh(const BlockDevice& device) {
  if (::ioctl(device.fd.get(), LOOP_SET_CAPACITY) == 0) return {};
  return FailErrno("refresh the size of {}", device.path.native());
}

}  // namespace trivet::csi::loop
