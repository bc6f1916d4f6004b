#include "cri-runtime/image/metadata.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

constexpr std::array<std::string_view, 3> kKept{"security.capability", "system.posix_acl_access",
                                                "system.posix_acl_default"};
constexpr std::array<std::string_view, 3> kDropped{"security.selinux", "security.ima",
                                                   "security.evm"};
constexpr size_t kMaxXattrBytes = 65536;  // XATTR_SIZE_MAX and XATTR_LIST_MAX

Result<std::string> ReadXattr(int fd, const std::string& name) {
  std::string value(kMaxXattrBytes, '\0');
  const ssize_t n = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
  if (n < 0) return FailErrno("read xattr {}", name);
  value.resize(static_cast<size_t>(n));
  return value;
}

}  // namespace

XattrRule RuleFor(const std::string& xattr) {
  if (std::ranges::find(kKept, xattr) != kKept.end()) return XattrRule::kKeep;
  if (std::ranges::find(kDropped, xattr) != kDropped.end()) return XattrRule::kDrop;
  // user.overlay.* is trusted.overlay.* to a mount inside a user namespace.
  if (xattr.starts_with("user.") && !xattr.starts_with("user.overlay.")) return XattrRule::kKeep;
  return XattrRule::kRefuse;
}

Result<> ApplyMetadata(int fd, const Metadata& metadata) {
  if (::fchown(fd, metadata.uid, metadata.gid) != 0) {
    return FailErrno("chown to {}:{}", metadata.uid, metadata.gid);
  }
  for (const auto& [name, value] : metadata.xattrs) {
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0) {
      return FailErrno("set xattr {}", Printable(name));
    }
  }
  if (::fchmod(fd, metadata.mode) != 0) return FailErrno("chmod to {:o}", metadata.mode);
  const std::array<timespec, 2> times{metadata.mtime, metadata.mtime};
  if (::futimens(fd, times.data()) != 0) return FailErrno("set times");
  return {};
}

Result<Metadata> ReadMetadata(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return FailErrno("stat");
  Metadata metadata{
      .mode = info.st_mode & 07777U, .uid = info.st_uid, .gid = info.st_gid, .mtime = info.st_mtim};
  std::string names(kMaxXattrBytes, '\0');
  const ssize_t n = ::flistxattr(fd, names.data(), names.size());
  if (n < 0) return FailErrno("list xattrs");
  for (size_t at = 0; at < static_cast<size_t>(n);) {
    const std::string name(names.c_str() + at);
    at += name.size() + 1;
    if (RuleFor(name) != XattrRule::kKeep) continue;
    ASSIGN_OR_RETURN(std::string value, ReadXattr(fd, name));
    metadata.xattrs.emplace_back(name, std::move(value));
  }
  return metadata;
}

}  // namespace trivet::image
