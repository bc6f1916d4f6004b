#include "csi/volume/target_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>

namespace trivet::csi {
namespace {

Result<> CreateTarget(const std::filesystem::path& target, AccessType type) {
  if (type == AccessType::kMount) {
    if (::mkdir(target.c_str(), 0750) == 0) return {};
  } else {
    const UniqueFd fd(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd.valid()) return {};
  }
  if (errno == EEXIST) return {};
  if (errno == ENOENT) {
    return Fail(Code::kFailedPrecondition, "create {}: its parent folder does not exist",
                target.native());
  }
  return FailErrno("create {}", target.native());
}

}  // namespace

std::filesystem::path Resolve(const std::filesystem::path& path) {
  std::filesystem::path plain = path.lexically_normal();
  if (!plain.has_filename()) plain = plain.parent_path();  // a slash at the end
  // realpath(3): std::filesystem::canonical takes many times as long.
  std::array<char, PATH_MAX> parent{};
  if (::realpath(plain.parent_path().c_str(), parent.data()) == nullptr) return plain;
  return std::filesystem::path(parent.data()) / plain.filename();
}

Result<UniqueFd> EnsureTarget(const std::filesystem::path& target, AccessType type) {
  RETURN_IF_ERROR(CreateTarget(target, type));
  UniqueFd fd(::open(target.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", target.native());
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return FailErrno("stat {}", target.native());
  const bool fits = type == AccessType::kMount ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode);
  if (fits) return fd;
  return Fail(Code::kFailedPrecondition, "{} is there and not a {}", target.native(),
              type == AccessType::kMount ? "folder" : "file");
}

Result<> RemoveTarget(const std::filesystem::path& target) {
  if (::rmdir(target.c_str()) == 0 || errno == ENOENT) return {};
  if (errno != ENOTDIR) {
    if (errno != ENOTEMPTY && errno != EEXIST) return FailErrno("remove {}", target.native());
    return Fail(Code::kFailedPrecondition, "remove {}: it holds files, and no volume is there",
                target.native());
  }
  struct stat info{};
  if (::lstat(target.c_str(), &info) != 0) return FailErrno("stat {}", target.native());
  if (!S_ISREG(info.st_mode) || info.st_size != 0) {
    return Fail(Code::kFailedPrecondition, "remove {}: not an empty file", target.native());
  }
  if (::unlink(target.c_str()) == 0) return {};
  return FailErrno("remove {}", target.native());
}

}  // namespace trivet::csi
