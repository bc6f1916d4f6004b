#include "cri-runtime/selinux/relabel.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "common/base/unique_fd.h"

namespace trivet::selinux {
namespace {

constexpr const char* kAttribute = "security.selinux";
constexpr size_t kMaxDepth = 256;  // each level holds a descriptor

constexpr std::array<std::string_view, 24> kNodesOwn{
    "/",     "/bin", "/boot",  "/dev",   "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow",
    "/home", "/lib", "/lib64", "/media", "/opt", "/proc",       "/root",    "/run",
    "/sbin", "/srv", "/sys",   "/tmp",   "/usr", "/var",        "/var/lib", "/var/log"};

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

// The name by which a call that takes a path reaches the very file of a descriptor, a link, too.
std::string PathOfDescriptor(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

Result<> SetLabel(const std::string& path, const std::string& label) {
  std::array<char, 512> now{};
  const ssize_t size = ::getxattr(path.c_str(), kAttribute, now.data(), now.size());
  // The kernel gives a zero at the end, which it does not need when it is written.
  if (size > 0 && label == std::string_view(now.data(), ::strnlen(now.data(), size_t(size)))) {
    return {};
  }
  if (::setxattr(path.c_str(), kAttribute, label.data(), label.size(), 0) == 0) return {};
  if (errno == ENOTSUP || errno == ENOENT) return {};
  return FailErrno("set label {}", label);
}

class Walk {
 public:
  explicit Walk(const std::string& label) : label_(label) {}

  Result<> Run(int top_fd) {
    RETURN_IF_ERROR(Visit(top_fd));
    while (!open_.empty()) {
      const int folder_fd = ::dirfd(open_.back().get());
      const dirent* entry = ::readdir(open_.back().get());
      if (entry == nullptr) {
        open_.pop_back();
        continue;
      }
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      const UniqueFd fd(::openat(folder_fd, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      if (!fd.valid() && errno == ENOENT) continue;
      if (!fd.valid()) return FailErrno("open {}", name);
      RETURN_IF_ERROR(Visit(fd.get()), name);
    }
    return {};
  }

 private:
  Result<> Visit(int fd) {
    RETURN_IF_ERROR(SetLabel(PathOfDescriptor(fd), label_));
    struct stat status{};
    if (::fstat(fd, &status) != 0) return FailErrno("stat");
    if (!S_ISDIR(status.st_mode)) return {};
    if (open_.size() >= kMaxDepth) return Fail(Code::kOutOfRange, "more than 256 folders deep");
    UniqueFd readable(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!readable.valid()) return FailErrno("open");
    Folder folder(::fdopendir(readable.get()));
    if (folder == nullptr) return FailErrno("open");
    static_cast<void>(readable.release());
    open_.push_back(std::move(folder));
    return {};
  }

  const std::string& label_;
  std::vector<Folder> open_;
};

}  // namespace

Result<> CheckRelabel(const std::filesystem::path& path) {
  std::string plain = path.lexically_normal().native();
  if (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  if (std::ranges::find(kNodesOwn, plain) == kNodesOwn.end()) return {};
  return Fail(Code::kInvalidArgument, "{} is not relabelled: it is the node's own", plain);
}

Result<> Relabel(int top_fd, const std::string& label) {
  std::error_code error;
  const auto real = std::filesystem::read_symlink(PathOfDescriptor(top_fd), error);
  if (error) return Fail(Code::kInternal, "where it is: {}", error.message());
  RETURN_IF_ERROR(CheckRelabel(real));
  return Walk(label).Run(top_fd);
}

}  // namespace trivet::selinux
