#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"

namespace trivet::csi {

/// A disk's file in a file system of its own (FUSE), which remembers each write and each flush. A
/// loop device on it, and a file system on that, are what a test works with; afterwards it can have
/// the disk as a loss of power at any moment may have left it. It can be told to hang, too.
///
/// Needs a mount namespace of the test's own. Source: linux/fuse.h; fuse(4).
class LoggedDisk {
 public:
  /// Mounts itself at `folder`; the disk starts as `image` is, which is then not used any more.
  LoggedDisk(std::filesystem::path folder, const std::filesystem::path& image);
  /// Unmounts itself. Nothing may use the file any more.
  ~LoggedDisk();
  LoggedDisk(const LoggedDisk&) = delete;
  LoggedDisk& operator=(const LoggedDisk&) = delete;

  [[nodiscard]] std::filesystem::path file() const { return folder_ / "disk"; }

  /// How many writes and flushes there were.
  size_t Moment();
  /// Makes `image` the disk after a loss of power at `moment`: with all that was written before the
  /// last flush, and of what was written since then any sectors at all.
  void LosePower(size_t moment, std::mt19937& random, const std::filesystem::path& image);

  /// From now on requests get no answer, until it is false again.
  void Hang(bool hang);

 private:
  struct Event {
    bool flush = false;
    uint64_t offset = 0;
    std::string data;
  };
  struct Request;

  void Mount();
  void Serve();
  void Handle(const Request& request);
  void Answer(const Request& request, int error, const void* data = nullptr, size_t bytes = 0);
  void Read(const Request& request);
  void Write(const Request& request);

  const std::filesystem::path folder_;
  uint64_t bytes_ = 0;
  UniqueFd base_;  // as it was at the start
  UniqueFd now_;
  UniqueFd fuse_;
  std::mutex mutex_;
  std::condition_variable may_answer_;
  bool hanging_ = false;       // guarded by mutex_
  std::vector<Event> events_;  // guarded by mutex_
  std::thread server_;
};

}  // namespace trivet::csi
