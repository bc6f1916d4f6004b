#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "common/linux/mount.h"
#include "common/linux/mount_context.h"

namespace trivet {
namespace {

using Folders = std::vector<std::filesystem::path>;

// Of a value that fsconfig takes, without the zero at its end. Source: fs/fsopen.c.
constexpr size_t kLongestValue = 255;

// "lowerdir+" (Linux 6.7) has no limit on the number of layers and nothing to escape. Before 6.5
// overlay takes any option and complains about it at the end only.
Result<bool> AskForOneByOne() {
  ASSIGN_OR_RETURN(MountContext context, MountContext::Open("overlay"));
  if (context.Set("no-such-option", "")) return false;
  return context.Set("lowerdir+", "/").has_value();
}

// Asked once: to ask costs a grace period of RCU.
Result<bool> TakesLayersOneByOne() {
  enum class Known { kNothing, kNo, kYes };
  static std::atomic<Known> known = Known::kNothing;
  if (const Known now = known; now != Known::kNothing) return now == Known::kYes;
  ASSIGN_OR_RETURN(const bool takes, AskForOneByOne());
  known = takes ? Known::kYes : Known::kNo;
  return takes;
}

// All lower folders in one value, in which ':' and '\' are special.
std::string Joined(const Folders& folders) {
  std::string joined;
  for (const auto& path : folders) {
    if (!joined.empty()) joined += ':';
    for (const char c : path.native()) {
      if (c == ':' || c == '\\') joined += '\\';
      joined += c;
    }
  }
  return joined;
}

// Short names for `folders`, good while the descriptors that are added to `held` are open.
Result<Folders> NamesByDescriptor(const Folders& folders, std::vector<UniqueFd>& held) {
  Folders names;
  for (const auto& folder : folders) {
    UniqueFd fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return FailErrno("open overlay's lower folder {}", folder.native());
    names.push_back("/proc/self/fd/" + std::to_string(fd.get()));
    held.push_back(std::move(fd));
  }
  return names;
}

MountOptions WritableOptions(const OverlaySpec& spec) {
  MountOptions options;
  if (!spec.upper.empty()) {
    options = {{"upperdir", spec.upper.native()}, {"workdir", spec.work.native()}};
  }
  if (spec.is_volatile) options.emplace_back("volatile", "");
  if (!spec.selinux_label.empty()) options.emplace_back("context", spec.selinux_label);
  return options;
}

Result<UniqueFd> MountByContext(const OverlaySpec& spec, const MountOptions& lower) {
  ASSIGN_OR_RETURN(MountContext context, MountContext::Open("overlay"));
  RETURN_IF_ERROR(context.Set("source", spec.source));
  RETURN_IF_ERROR(context.Set(lower));
  RETURN_IF_ERROR(context.Set(WritableOptions(spec)));
  return context.Mount(0);
}

// "upperdir=/a,volatile" for mount(2). Of the values only a label has commas, and may be quoted.
std::string TextOf(const MountOptions& options) {
  std::string text;
  for (const auto& [key, value] : options) {
    const bool quoted = value.find(',') != std::string::npos;
    const std::string shown = quoted ? '"' + value + '"' : value;
    text += (text.empty() ? "" : ",") + key + (shown.empty() ? "" : "=" + shown);
  }
  return text;
}

Result<> EnterOwnMountNamespace() {
  if (::unshare(CLONE_NEWNS) != 0) return FailErrno("unshare mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return {};
  return FailErrno("make mounts private");
}

// Mounts onto the first lower folder, which nobody else sees, and takes the mount from there. The
// folders are opened here as the kernel wants them to be of the caller's mount namespace.
Result<UniqueFd> MountAside(const OverlaySpec& spec) {
  RETURN_IF_ERROR(EnterOwnMountNamespace());
  std::vector<UniqueFd> held;
  ASSIGN_OR_RETURN(const Folders names, NamesByDescriptor(spec.lower, held));
  MountOptions options = WritableOptions(spec);
  options.emplace_back("lowerdir", Joined(names));
  const char* target = spec.lower.front().c_str();
  if (::mount(spec.source.c_str(), target, "overlay", 0, TextOf(options).c_str()) != 0) {
    return FailErrno("mount overlay");
  }
  UniqueFd mount(::open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!mount.valid()) return FailErrno("open_tree of an overlay");
  return mount;
}

// mount(2) takes a page of options where fsconfig takes 255 bytes, but has no detached mounts: a
// thread with a mount namespace of its own makes this one out of sight.
Result<UniqueFd> MountByThread(const OverlaySpec& spec) {
  Result<UniqueFd> mount;
  std::thread([&] { mount = MountAside(spec); }).join();
  return mount;
}

Result<UniqueFd> MountJoined(const OverlaySpec& spec) {
  std::vector<UniqueFd> held;
  std::string lower = Joined(spec.lower);
  if (lower.size() > kLongestValue) {
    ASSIGN_OR_RETURN(const Folders names, NamesByDescriptor(spec.lower, held));
    lower = Joined(names);
  }
  if (lower.size() > kLongestValue) return MountByThread(spec);
  return MountByContext(spec, {{"lowerdir", lower}});
}

Result<UniqueFd> MountOneByOne(const OverlaySpec& spec) {
  MountOptions lower;
  for (const auto& folder : spec.lower) lower.emplace_back("lowerdir+", folder.native());
  return MountByContext(spec, lower);
}

Result<UniqueFd> MountNow(const OverlaySpec& spec) {
  ASSIGN_OR_RETURN(const bool one_by_one, TakesLayersOneByOne());
  return one_by_one ? MountOneByOne(spec) : MountJoined(spec);
}

// Overlay wants folders by name, and before Linux 6.15 of the caller's mount namespace: the mapped
// ones are mounted over those that they show, where nobody else sees it.
Result<UniqueFd> MountMapped(const OverlaySpec& spec) {
  RETURN_IF_ERROR(EnterOwnMountNamespace());
  for (const auto& folder : spec.lower) {
    ASSIGN_OR_RETURN(DetachedMount mapped, DetachedMount::Bind(folder));
    RETURN_IF_ERROR(mapped.SetIdMapping(spec.user_namespace_fd), folder.native());
    RETURN_IF_ERROR(std::move(mapped).AttachTo(folder));
  }
  return MountNow(spec);
}

Result<UniqueFd> MountMappedByThread(const OverlaySpec& spec) {
  Result<UniqueFd> mount;
  std::thread([&] { mount = MountMapped(spec); }).join();
  return mount;
}

}  // namespace

Result<DetachedMount> DetachedMount::Overlay(const OverlaySpec& spec) {
  if (spec.lower.empty()) return Fail(Code::kInvalidArgument, "no lower folder");
  ASSIGN_OR_RETURN(UniqueFd mount,
                   spec.user_namespace_fd < 0 ? MountNow(spec) : MountMappedByThread(spec));
  return DetachedMount(std::move(mount));
}

}  // namespace trivet
