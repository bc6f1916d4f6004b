#include "shim/own_mounts.h"

#include <cstring>

namespace trivet::shim {
namespace {

bool IsOneComponent(const char* path) {
  return path[0] == '/' && path[1] != '\0' && std::strchr(path + 1, '/') == nullptr;
}

bool IsName(const char* text) {
  return text[0] != '\0' && std::strchr(text, '/') == nullptr && std::strcmp(text, ".") != 0 &&
         std::strcmp(text, "..") != 0;
}

bool IsAtOrBelow(const char* path, const char* folder) {
  const size_t size = std::strlen(folder);
  return std::strncmp(path, folder, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

}  // namespace

void OwnMounts::Note(const MountPlan& mount, int fd) {
  Cover(mount);
  if (mount.file_system != "tmpfs" || count_ == entries_.size()) return;
  entries_[count_++] = {mount.target.c_str(), fd};
}

// A folder may be reached through links of the image; one right below the root that must be none is
// where it says. A file is on top of no folder.
void OwnMounts::Cover(const MountPlan& mount) {
  if (!mount.is_directory) return;
  if (mount.follows_link || !IsOneComponent(mount.target.c_str())) return ForgetAll();
  size_t kept = 0;
  for (size_t i = 0; i < count_; ++i) {
    if (!IsAtOrBelow(entries_[i].target, mount.target.c_str())) entries_[kept++] = entries_[i];
  }
  count_ = kept;
}

OwnMounts::Place OwnMounts::Find(const char* path) const {
  for (size_t i = 0; i < count_; ++i) {
    const size_t size = std::strlen(entries_[i].target);
    if (std::strncmp(path, entries_[i].target, size) != 0 || path[size] != '/') continue;
    if (IsName(path + size + 1)) return {entries_[i].fd, path + size + 1};
  }
  return {};
}

int OwnMounts::RootAt(const char* path) const {
  for (size_t i = 0; i < count_; ++i) {
    if (std::strcmp(path, entries_[i].target) == 0) return entries_[i].fd;
  }
  return -1;
}

}  // namespace trivet::shim
