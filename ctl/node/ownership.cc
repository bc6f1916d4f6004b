#include "ctl/node/ownership.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"

namespace trivet::ctl {
namespace {

constexpr mode_t kFileBits = 0660;
constexpr mode_t kFolderBits = 0770 | S_ISGID;

// The object itself, by an O_PATH descriptor: it cannot be exchanged in between.
Result<bool> ChangeObject(int fd, const std::string& name, gid_t gid) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return FailErrno("stat {}", name);
  if (::fchownat(fd, "", static_cast<uid_t>(-1), gid, AT_EMPTY_PATH) != 0) {
    return FailErrno("change group of {}", name);
  }
  const bool folder = S_ISDIR(status.st_mode);
  if (!folder && !S_ISREG(status.st_mode)) return false;
  const mode_t mode = (status.st_mode & 07777) | (folder ? kFolderBits : kFileBits);
  // fchmod(2) refuses O_PATH descriptors; their name under /proc does not.
  if (::chmod(fmt::format("/proc/self/fd/{}", fd).c_str(), mode) != 0) {
    return FailErrno("change mode of {}", name);
  }
  return folder;
}

Result<std::vector<std::string>> NamesIn(int fd, const std::string& name) {
  UniqueFd folder(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return FailErrno("open {}", name);
  DIR* stream = ::fdopendir(folder.get());
  if (stream == nullptr) return FailErrno("list {}", name);
  static_cast<void>(folder.release());  // closedir closes it
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string child = entry->d_name;
    if (child != "." && child != "..") names.push_back(child);
  }
  ::closedir(stream);
  return names;
}

Result<> ChangeTree(int parent_fd, const std::string& name, gid_t gid) {
  const UniqueFd object(::openat(parent_fd, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!object.valid() && errno == ENOENT) return {};  // removed meanwhile
  if (!object.valid()) return FailErrno("open {}", name);
  ASSIGN_OR_RETURN(const bool folder, ChangeObject(object.get(), name, gid));
  if (!folder) return {};
  ASSIGN_OR_RETURN(const auto names, NamesIn(object.get(), name));
  for (const std::string& child : names) {
    RETURN_IF_ERROR(ChangeTree(object.get(), child, gid));
  }
  return {};
}

// Field 5 of mountinfo, man 5 proc: blanks are octal there.
std::string Unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<> CheckNothingMounted(const std::filesystem::path& tree) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile("/proc/self/mountinfo"));
  const std::string prefix = tree.native() + "/";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    for (int field = 0; field < 5; ++field) words >> word;
    const std::string place = Unescape(word);
    if (place != tree.native() && !place.starts_with(prefix)) continue;
    return Fail(Code::kFailedPrecondition, "remove {}: {} is still mounted", tree.native(), place);
  }
  return {};
}

Result<> RemoveFolders(const std::filesystem::path& tree) {
  auto names = ListDirectory(tree);
  if (!names && names.error().code() == Code::kNotFound) return {};
  if (!names) return std::unexpected(std::move(names).error());
  for (const std::string& name : *names) {
    std::error_code error;
    if (!std::filesystem::is_directory(std::filesystem::symlink_status(tree / name, error))) {
      return Fail(Code::kFailedPrecondition, "remove {}: {} is in it", tree.native(), name);
    }
    RETURN_IF_ERROR(RemoveFolders(tree / name));
  }
  if (::rmdir(tree.c_str()) != 0 && errno != ENOENT) return FailErrno("remove {}", tree.native());
  return {};
}

}  // namespace

Result<> GiveToGroup(const std::filesystem::path& folder, int64_t gid) {
  return ChangeTree(AT_FDCWD, folder.native(), static_cast<gid_t>(gid));
}

Result<> RemoveUnmountedTree(const std::filesystem::path& tree) {
  RETURN_IF_ERROR(CheckNothingMounted(tree));
  return RemoveTree(tree);
}

Result<> RemoveEmptyTree(const std::filesystem::path& tree) {
  RETURN_IF_ERROR(CheckNothingMounted(tree));
  return RemoveFolders(tree);
}

}  // namespace trivet::ctl
