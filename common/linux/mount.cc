#include "common/linux/mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace trivet {
namespace {

// What the kernel says about a failure, "e overlay: Unknown parameter 'x'", one line per read.
std::string ReadKernelLog(int context_fd) {
  std::string log;
  std::array<char, 512> line;
  ssize_t n = 0;
  while ((n = ::read(context_fd, line.data(), line.size())) > 0) {
    std::string_view text(line.data(), static_cast<size_t>(n));
    if (text.size() > 2 && text[1] == ' ') text.remove_prefix(2);  // its level: e, w, i
    while (text.ends_with('\n')) text.remove_suffix(1);
    log += log.empty() ? "" : "; ";
    log += text;
  }
  return log;
}

std::unexpected<Error> FailExplained(int context_fd, std::string_view what) {
  const int err = errno;
  const std::string log = ReadKernelLog(context_fd);
  return std::unexpected(
      Error::FromErrno(err, log.empty() ? std::string(what) : fmt::format("{} ({})", what, log)));
}

// A file system that is being configured.
class Context {
 public:
  static Result<Context> Open(const std::string& type) {
    Context context(type, UniqueFd(::fsopen(type.c_str(), FSOPEN_CLOEXEC)));
    if (!context.fd_.valid()) return FailErrno("fsopen {}", type);
    return context;
  }

  Result<> Set(const std::string& key, const std::string& value) {
    const bool flag = value.empty();
    const int result = ::fsconfig(fd_.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING,
                                  key.c_str(), flag ? nullptr : value.c_str(), 0);
    if (result == 0) return {};
    return FailExplained(fd_.get(), fmt::format("set {} option {}", type_, key));
  }
  Result<> Set(const MountOptions& options) {
    for (const auto& [key, value] : options) RETURN_IF_ERROR(Set(key, value));
    return {};
  }

  Result<UniqueFd> Mount(uint64_t attributes) {
    if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
      return FailExplained(fd_.get(), fmt::format("create {} superblock", type_));
    }
    UniqueFd mount(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
    if (!mount.valid()) return FailExplained(fd_.get(), fmt::format("fsmount {}", type_));
    return mount;
  }

 private:
  Context(std::string type, UniqueFd fd) : type_(std::move(type)), fd_(std::move(fd)) {}
  std::string type_;
  UniqueFd fd_;
};

// Kernels before 6.5 take all lower folders as one option, in which ':' and '\' are special.
std::string Joined(const std::vector<std::filesystem::path>& lower) {
  std::string joined;
  for (const auto& path : lower) {
    if (!joined.empty()) joined += ':';
    for (const char c : path.native()) {
      if (c == ':' || c == '\\') joined += '\\';
      joined += c;
    }
  }
  return joined;
}

// "lowerdir+" (Linux 6.7) has no limit on the number of layers and nothing to escape.
Result<> SetLower(Context& context, const std::vector<std::filesystem::path>& lower) {
  if (lower.empty()) return Fail(Code::kInvalidArgument, "no lower folder");
  const auto first = context.Set("lowerdir+", lower.front().native());
  if (!first && first.error().sys_errno() == EINVAL) {
    return context.Set("lowerdir", Joined(lower));
  }
  RETURN_IF_ERROR(first);
  for (size_t i = 1; i < lower.size(); ++i) {
    RETURN_IF_ERROR(context.Set("lowerdir+", lower[i].native()));
  }
  return {};
}

Result<> SetTree(int fd, const mount_attr& attributes, Recursion recursion, std::string_view what) {
  const unsigned flags = AT_EMPTY_PATH | (recursion == Recursion::kWholeTree ? AT_RECURSIVE : 0U);
  mount_attr copy = attributes;
  if (::mount_setattr(fd, "", flags, &copy, sizeof copy) == 0) return {};
  return FailErrno("set {} of a mount", what);
}

unsigned OpenTreeFlags(Recursion recursion) {
  return OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
         (recursion == Recursion::kWholeTree ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
}

}  // namespace

MountOptions ParseMountOptions(std::string_view text) {
  MountOptions options;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view option = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    if (option.empty()) continue;
    const size_t equals = option.find('=');
    options.emplace_back(option.substr(0, equals),
                         equals == std::string_view::npos ? "" : option.substr(equals + 1));
  }
  return options;
}

Result<DetachedMount> DetachedMount::Overlay(const OverlaySpec& spec) {
  ASSIGN_OR_RETURN(Context context, Context::Open("overlay"));
  RETURN_IF_ERROR(context.Set("source", spec.source));
  RETURN_IF_ERROR(SetLower(context, spec.lower));
  if (!spec.upper.empty()) {
    RETURN_IF_ERROR(context.Set("upperdir", spec.upper.native()));
    RETURN_IF_ERROR(context.Set("workdir", spec.work.native()));
  }
  if (spec.is_volatile) RETURN_IF_ERROR(context.Set("volatile", ""));
  ASSIGN_OR_RETURN(UniqueFd mount, context.Mount(0));
  return DetachedMount(std::move(mount));
}

Result<DetachedMount> DetachedMount::Bind(const std::filesystem::path& path, Recursion recursion) {
  UniqueFd tree(::open_tree(AT_FDCWD, path.c_str(), OpenTreeFlags(recursion)));
  if (!tree.valid()) return FailErrno("open_tree {}", path.native());
  return DetachedMount(std::move(tree));
}

Result<DetachedMount> DetachedMount::Bind(int path_fd, Recursion recursion) {
  UniqueFd tree(::open_tree(path_fd, "", OpenTreeFlags(recursion) | AT_EMPTY_PATH));
  if (!tree.valid()) return FailErrno("open_tree of a descriptor");
  return DetachedMount(std::move(tree));
}

Result<DetachedMount> DetachedMount::Tmpfs(const MountOptions& options, uint64_t attributes) {
  return New("tmpfs", options, attributes);
}

Result<DetachedMount> DetachedMount::FileSystem(const std::string& type,
                                                const std::filesystem::path& device,
                                                const MountOptions& options, uint64_t attributes) {
  ASSIGN_OR_RETURN(Context context, Context::Open(type));
  RETURN_IF_ERROR(context.Set("source", device.native()));
  RETURN_IF_ERROR(context.Set(options));
  ASSIGN_OR_RETURN(UniqueFd mount, context.Mount(attributes), device.native());
  return DetachedMount(std::move(mount));
}

Result<DetachedMount> DetachedMount::New(const std::string& type, const MountOptions& options,
                                         uint64_t attributes) {
  return FileSystem(type, type, options, attributes);
}

Result<> DetachedMount::SetAttributes(uint64_t attributes, Recursion recursion) {
  return SetTree(fd_.get(), {.attr_set = attributes}, recursion, "attributes");
}

Result<> DetachedMount::SetPropagation(uint64_t propagation, Recursion recursion) {
  return SetTree(fd_.get(), {.propagation = propagation}, recursion, "propagation");
}

Result<> DetachedMount::AttachTo(const std::filesystem::path& target) && {
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;
  if (::move_mount(fd_.get(), "", AT_FDCWD, target.c_str(), flags) != 0) {
    return FailErrno("attach mount to {}", target.native());
  }
  fd_.reset();
  return {};
}

Result<> DetachedMount::AttachTo(int target_fd) && {
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (::move_mount(fd_.get(), "", target_fd, "", flags) != 0) {
    return FailErrno("attach mount to a descriptor");
  }
  fd_.reset();
  return {};
}

Result<> Unmount(const std::filesystem::path& path, bool detached) {
  const int flags = UMOUNT_NOFOLLOW | (detached ? MNT_DETACH : 0);
  if (::umount2(path.c_str(), flags) == 0) return {};
  if (errno == EINVAL || errno == ENOENT) return {};  // no mount point; nothing at all
  return FailErrno("unmount {}", path.native());
}

Result<bool> IsMountPoint(const std::filesystem::path& path) {
  struct statx status{};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &status) != 0) {
    return FailErrno("stat {}", path.native());
  }
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace trivet
