#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::csi {

/// Which block device it is. Nothing holds it.
struct DeviceName {
  std::filesystem::path path;  // "/dev/loop3"
  dev_t number = 0;
};

/// An open block device that shows a volume's bytes. Holding it keeps the device
/// bound; what happens when it is dropped is its maker's choice (AttachOptions).
struct BlockDevice : DeviceName {
  UniqueFd fd;  // read-write, or read-only when attached so
};

/// How a volume's bytes become a block device.
struct AttachOptions {
  bool read_only = false;
  /// The device is released by its last user: unmounting a file system on it, or
  /// our death before it was mounted, leaves nothing behind. Off for a raw
  /// device, which nothing keeps open between two pods.
  bool release_with_last_user = true;
};

namespace loop {

/// Binds `image` to a free loop device with direct I/O (buffered where the pool's
/// file system has none) and 4096-byte sectors. No program is run, and the device
/// is bound and configured in one system call.
/// The caller makes sure that no other device shows the image: the kernel does
/// not, and two would corrupt it.
/// Source: loop(4), LOOP_CTL_GET_FREE and LOOP_CONFIGURE.
Result<BlockDevice> Attach(const std::filesystem::path& image, const AttachOptions& options);

/// The loop device that shows the file `image`, found by the file's device and
/// inode, or by its path when somebody deleted it meanwhile; none when it is not
/// attached.
Result<std::optional<BlockDevice>> Find(const std::filesystem::path& image);

/// As Find, which looks at every loop device of the node, for one who asks for the same images
/// again and again: looks first where the image was last seen. Any thread may call it.
class Finder {
 public:
  Result<std::optional<BlockDevice>> Find(const std::filesystem::path& image);
  /// As Find, and opens the device only where it may have been bound anew since it was noted.
  Result<std::optional<DeviceName>> See(const std::filesystem::path& image);
  /// Where it was found or attached just now.
  void Note(const std::filesystem::path& image, const BlockDevice& device);

 private:
  struct Seen {
    DeviceName device;
    std::string binding;  // its diskseq; empty where the kernel has none (before Linux 5.15)
    struct stat file{};   // what it shows
  };
  std::optional<Seen> LastSeen(const std::filesystem::path& image);

  std::mutex mutex_;
  std::map<std::filesystem::path, Seen> last_seen_;  // guarded by mutex_; by image
};

/// The names, without folders, of all files that loop devices show: any other file has none.
Result<std::set<std::string>> ShownFileNames();

/// Unbinds the device; when it is still in use the kernel does so with its last user.
Result<> Detach(const BlockDevice& device);

/// Makes the device as large as its file is now. Repeatable.
Result<> Refresh(const BlockDevice& device);

}  // namespace loop
}  // namespace trivet::csi
