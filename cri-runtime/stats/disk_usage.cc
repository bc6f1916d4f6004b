#include "cri-runtime/stats/disk_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <unordered_set>
#include <vector>

#include "common/base/unique_fd.h"

namespace trivet::stats {
namespace {

constexpr size_t kMaxDepth = 256;  // each level holds a descriptor
constexpr uint64_t kBlockBytes = 512;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

class Measurement {
 public:
  explicit Measurement(dev_t device) : device_(device) {}

  void Add(const struct stat& status) {
    const bool has_names = !S_ISDIR(status.st_mode) && status.st_nlink > 1;
    if (has_names && !seen_.insert(status.st_ino).second) return;
    ++usage_.inodes;
    usage_.used_bytes += static_cast<uint64_t>(status.st_blocks) * kBlockBytes;
  }

  void Walk(Directory top) {
    open_.push_back(std::move(top));
    while (!open_.empty()) {
      const dirent* entry = ::readdir(open_.back().get());
      if (entry == nullptr) {
        open_.pop_back();
      } else if (const std::string_view name = entry->d_name; name != "." && name != "..") {
        Visit(entry->d_name);
      }
    }
  }

  [[nodiscard]] const DiskUsage& usage() const { return usage_; }

 private:
  void Visit(const char* name) {
    const int folder_fd = ::dirfd(open_.back().get());
    struct stat status{};
    if (::fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (status.st_dev != device_) return;
    Add(status);
    if (!S_ISDIR(status.st_mode) || open_.size() >= kMaxDepth) return;
    UniqueFd fd(::openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) return;
    Directory directory(::fdopendir(fd.get()));
    if (directory == nullptr) return;
    static_cast<void>(fd.release());
    open_.push_back(std::move(directory));
  }

  dev_t device_;
  DiskUsage usage_;
  std::unordered_set<ino_t> seen_;  // inodes with more than one name
  std::vector<Directory> open_;
};

}  // namespace

Result<DiskUsage> MeasureTree(const std::filesystem::path& tree) {
  Directory top(::opendir(tree.c_str()));
  if (top == nullptr) return FailErrno("open {}", tree.native());
  struct stat status{};
  if (::fstat(::dirfd(top.get()), &status) != 0) return FailErrno("stat {}", tree.native());
  Measurement measurement(status.st_dev);
  measurement.Add(status);
  measurement.Walk(std::move(top));
  return measurement.usage();
}

}  // namespace trivet::stats
