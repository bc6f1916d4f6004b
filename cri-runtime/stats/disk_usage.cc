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

constexpr size_t kMaxOpen = 32;  // levels that hold a descriptor, one more below them
constexpr uint64_t kBlockBytes = 512;

}  // namespace

class TreeMeasurement::Walk {
 public:
  struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  using Directory = std::unique_ptr<DIR, CloseDirectory>;

  Walk(Directory top, const struct stat& status) : device_(status.st_dev) {
    Add(status);
    Enter(std::move(top), status.st_ino);
  }

  // A clock is read once for some entries.
  bool Continue(std::chrono::steady_clock::time_point end) {
    constexpr int kEntries = 256;
    while (!levels_.empty()) {
      for (int i = 0; i < kEntries && !levels_.empty(); ++i) Next();
      if (std::chrono::steady_clock::now() >= end) break;
    }
    return levels_.empty();
  }

  [[nodiscard]] const DiskUsage& usage() const { return usage_; }

 private:
  struct Level {
    Directory folder;  // null: closed for the time that the walk is below it
    ino_t inode = 0;
    long position = 0;
  };

  static Directory OpenStream(UniqueFd fd) {
    Directory folder(::fdopendir(fd.get()));
    if (folder != nullptr) static_cast<void>(fd.release());
    return folder;
  }

  void Add(const struct stat& status) {
    const bool has_names = !S_ISDIR(status.st_mode) && status.st_nlink > 1;
    if (has_names && !seen_.insert(status.st_ino).second) return;
    ++usage_.inodes;
    usage_.used_bytes += static_cast<uint64_t>(status.st_blocks) * kBlockBytes;
  }

  void Next() {
    const dirent* entry = ::readdir(levels_.back().folder.get());
    if (entry == nullptr) {
      Leave();
    } else if (const std::string_view name = entry->d_name; name != "." && name != "..") {
      Visit(entry->d_name);
    }
  }

  void Visit(const char* name) {
    const int folder_fd = ::dirfd(levels_.back().folder.get());
    struct stat status{};
    if (::fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (status.st_dev != device_) return;
    Add(status);
    if (!S_ISDIR(status.st_mode)) return;
    UniqueFd fd(::openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) return;
    if (Directory folder = OpenStream(std::move(fd))) Enter(std::move(folder), status.st_ino);
  }

  // A container could hide what it uses below any depth that is given up at.
  void Enter(Directory folder, ino_t inode) {
    if (levels_.size() > kMaxOpen) {
      levels_.back().position = ::telldir(levels_.back().folder.get());
      levels_.back().folder.reset();
    }
    levels_.push_back({std::move(folder), inode, 0});
  }

  void Leave() {
    const Directory below = std::move(levels_.back().folder);
    levels_.pop_back();
    if (levels_.empty() || levels_.back().folder != nullptr || Resume(levels_.back(), below))
      return;
    // It was moved away meanwhile: on with what is open.
    while (levels_.back().folder == nullptr) levels_.pop_back();
  }

  [[nodiscard]] bool Resume(Level& level, const Directory& below) const {
    UniqueFd fd(::openat(::dirfd(below.get()), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status{};
    if (!fd.valid() || ::fstat(fd.get(), &status) != 0) return false;
    if (status.st_dev != device_ || status.st_ino != level.inode) return false;
    level.folder = OpenStream(std::move(fd));
    if (level.folder == nullptr) return false;
    ::seekdir(level.folder.get(), level.position);
    return true;
  }

  dev_t device_;
  DiskUsage usage_;
  std::unordered_set<ino_t> seen_;  // inodes with more than one name
  std::vector<Level> levels_;
};

TreeMeasurement::TreeMeasurement(std::unique_ptr<Walk> walk) : walk_(std::move(walk)) {}
TreeMeasurement::TreeMeasurement(TreeMeasurement&&) noexcept = default;
TreeMeasurement& TreeMeasurement::operator=(TreeMeasurement&&) noexcept = default;
TreeMeasurement::~TreeMeasurement() = default;

Result<TreeMeasurement> TreeMeasurement::Begin(const std::filesystem::path& tree) {
  Walk::Directory top(::opendir(tree.c_str()));
  if (top == nullptr) return FailErrno("open {}", tree.native());
  struct stat status{};
  if (::fstat(::dirfd(top.get()), &status) != 0) return FailErrno("stat {}", tree.native());
  return TreeMeasurement(std::make_unique<Walk>(std::move(top), status));
}

bool TreeMeasurement::Continue(std::chrono::steady_clock::time_point end) {
  return walk_->Continue(end);
}

const DiskUsage& TreeMeasurement::usage() const {
  return walk_->usage();
}

}  // namespace trivet::stats
