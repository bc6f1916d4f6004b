#include "netpolicy/watch/folder.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/linux/file.h"

namespace trivet::netpolicy {
namespace {

constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

bool IsManifest(const std::filesystem::path& path) {
  const auto extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

bool IsSymlink(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_symlink(path, error);
}

// A new regular file gets its content before it is closed; a link has it, and a pipe or a folder is
// wrong, when it appears.
bool AppearsWhole(const std::filesystem::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return false;
  return !S_ISREG(status.st_mode) || status.st_nlink > 1;
}

}  // namespace

Result<std::unique_ptr<FolderSource>> FolderSource::Open(
    const std::vector<std::filesystem::path>& folders) {
  UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.valid()) return FailErrno("create inotify instance");
  std::unique_ptr<FolderSource> source(new FolderSource(std::move(inotify)));
  for (const auto& path : folders) {
    Folder& folder = source->folders_.emplace_back(Folder{.path = path});
    RETURN_IF_ERROR(source->Watch(folder));
  }
  return source;
}

// Watching a folder twice is one watch: another number says that the path leads elsewhere by now,
// as that of a symbolic link may.
Result<> FolderSource::Watch(Folder& folder) {
  const int watch = ::inotify_add_watch(inotify_.get(), folder.path.c_str(), kEvents);
  if (watch < 0 && folder.watch >= 0) return {};  // what is watched is there still
  if (watch < 0) return FailErrno("watch manifests {}", folder.path.native());
  if (watch == folder.watch) return {};
  const int before = std::exchange(folder.watch, watch);
  const bool shared = std::any_of(folders_.begin(), folders_.end(),
                                  [&](const Folder& one) { return one.watch == before; });
  if (before >= 0 && !shared) ::inotify_rm_watch(inotify_.get(), before);
  rescan_ = true;
  return {};
}

// A folder that went away and came back, or is another one now. Its objects stay until then.
Result<> FolderSource::WatchAgain() {
  for (Folder& folder : folders_) RETURN_IF_ERROR(Watch(folder));
  return {};
}

Result<bool> FolderSource::Refresh() {
  RETURN_IF_ERROR(DrainEvents());
  RETURN_IF_ERROR(WatchAgain());
  if (rescan_) {
    for (Folder& folder : folders_) RETURN_IF_ERROR(Scan(folder));
    rescan_ = false;
  }
  if (changed_.empty() && first_read_done_) return false;
  for (const auto& path : changed_) ReadOne(path);
  changed_.clear();
  first_read_done_ = true;
  Rebuild();
  return true;
}

Result<> FolderSource::Scan(Folder& folder) {
  struct stat status{};
  if (::stat(folder.path.c_str(), &status) != 0) {
    return FailErrno("read manifests {}", folder.path.native());
  }
  ASSIGN_OR_RETURN(auto names, ListDirectory(folder.path), "read manifests");
  std::erase_if(names, [](const std::string& name) { return !IsManifest(name); });
  const Identity now(status.st_dev, status.st_ino);
  std::set<std::filesystem::path> before;
  for (const auto& [path, file] : files_) {
    if (path.parent_path() == folder.path) before.insert(path);
  }
  if (names.empty() && !before.empty() && folder.read != now) {
    return Fail(Code::kFailedPrecondition,
                "read manifests {}: another folder than before, without any; restart the agent if "
                "that is meant",
                folder.path.native());
  }
  folder.read = now;
  for (const std::string& name : names) changed_.insert(folder.path / name);
  changed_.merge(before);  // perhaps gone
  return {};
}

Result<> FolderSource::DrainEvents() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return {};
    if (size <= 0) return FailErrno("read inotify events");
    for (size_t at = 0; at < static_cast<size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = buffer.data() + at + sizeof event;
      TakeEvent(event.wd, event.mask, std::string_view(name, ::strnlen(name, event.len)));
      at += sizeof event + event.len;
    }
  }
}

void FolderSource::TakeEvent(int watch, uint32_t mask, std::string_view name) {
  if ((mask & IN_Q_OVERFLOW) != 0) rescan_ = true;
  for (Folder& folder : folders_) {
    if (folder.watch != watch) continue;
    if ((mask & IN_MOVE_SELF) != 0) ::inotify_rm_watch(inotify_.get(), watch);
    if ((mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) folder.watch = -1;
    if (!name.empty()) TakeName(folder.path / name, mask);
  }
}

// A link that is no manifest may be what manifests lead through: Kubernetes exchanges "..data" of a
// ConfigMap's volume.
void FolderSource::TakeName(const std::filesystem::path& path, uint32_t mask) {
  if (!IsManifest(path)) {
    rescan_ = rescan_ || ((mask & (IN_CREATE | IN_MOVED_TO)) != 0 && IsSymlink(path));
  } else if ((mask & IN_CREATE) == 0 || AppearsWhole(path)) {
    changed_.insert(path);
  }
}

void FolderSource::ReadOne(const std::filesystem::path& path) {
  auto objects = ReadManifestFile(path);
  if (!objects && objects.error().code() == Code::kNotFound) {
    files_.erase(path);
    return;
  }
  const bool is_new = !files_.contains(path);
  File& file = files_[path];
  if (objects) {
    file = File{.objects = std::move(*objects)};
    return;
  }
  file.complaint = objects.error().message();
  if (is_new && !first_read_done_) file.never_good = true;
}

void FolderSource::Rebuild() {
  Cluster cluster;
  conflicts_.clear();
  for (const auto& [path, file] : files_) {
    auto conflicts = AddTo(cluster, file.objects);
    conflicts_.insert(conflicts_.end(), conflicts.begin(), conflicts.end());
  }
  cluster_ = std::move(cluster);
}

bool FolderSource::complete() const {
  return first_read_done_ && std::none_of(files_.begin(), files_.end(),
                                          [](const auto& one) { return one.second.never_good; });
}

std::vector<std::string> FolderSource::complaints() const {
  std::vector<std::string> lines = conflicts_;
  for (const auto& [path, file] : files_) {
    if (!file.complaint.empty()) lines.push_back(file.complaint);
  }
  for (const Folder& folder : folders_) {
    if (folder.watch < 0) lines.push_back(fmt::format("{}: went away", folder.path.native()));
  }
  return lines;
}

}  // namespace trivet::netpolicy
