#include "shim/dev_child.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/linux/path_in_root.h"
#include "shim/mount_child.h"

namespace trivet::shim {
namespace {

struct Node {
  const char* name;
  unsigned major;
  unsigned minor;
};

struct Link {
  const char* name;
  const char* target;
};

constexpr Node kNodes[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                           {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
constexpr Link kLinks[] = {{"fd", "/proc/self/fd"},
                           {"stdin", "/proc/self/fd/0"},
                           {"stdout", "/proc/self/fd/1"},
                           {"stderr", "/proc/self/fd/2"},
                           {"ptmx", "pts/ptmx"}};
constexpr mode_t kNodeMode = S_IFCHR | 0666;

// Also the folders of a name like "net/tun".
int OpenParent(int dev_fd, const char* path, const Reporter& report) {
  char folder[256] = {};
  const char* slash = ::strrchr(path, '/');
  const auto size = slash == nullptr ? size_t{0} : static_cast<size_t>(slash - path);
  if (size >= sizeof folder) errno = ENAMETOOLONG;
  report.Check(size < sizeof folder, Step::kDevice, path);
  ::memcpy(folder, path, size);
  const int fd = async_signal_safe::EnsureDirectoryInRoot(dev_fd, folder, 0755);
  report.Check(fd >= 0, Step::kDevice, path);
  return fd;
}

void MakeNode(int dev_fd, const DevicePlan& device, const Reporter& report) {
  const char* path = device.path.c_str();
  const int parent_fd = OpenParent(dev_fd, path, report);
  const char* slash = ::strrchr(path, '/');
  const char* name = slash == nullptr ? path : slash + 1;
  const bool made = ::mknodat(parent_fd, name, device.mode, device.device) == 0;
  report.Check(made || errno == EEXIST, Step::kDevice, path);  // a default one
  // Whoever is in the group that the node gave the device to may use it here, too.
  const bool owned = !made || (device.uid == 0 && device.gid == 0) ||
                     ::fchownat(parent_fd, name, device.uid, device.gid, AT_SYMLINK_NOFOLLOW) == 0;
  report.Check(owned, Step::kDevice, path);
  ::close(parent_fd);
}

// Null, or the name of the one that failed.
const char* MakeNodes(int dev_fd) {
  for (const Node& node : kNodes) {
    const dev_t device = makedev(node.major, node.minor);
    if (::mknodat(dev_fd, node.name, kNodeMode, device) != 0) return node.name;
  }
  return nullptr;
}

const char* MakeLinks(int dev_fd) {
  for (const Link& link : kLinks) {
    if (::symlinkat(link.target, dev_fd, link.name) != 0) return link.name;
  }
  return nullptr;
}

void Confine(int dev_fd, const char* name, const Reporter& report) {
  const int tree_fd =
      ::open_tree(dev_fd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
  report.Check(
      tree_fd >= 0 && ::move_mount(tree_fd, "", dev_fd, name, MOVE_MOUNT_F_EMPTY_PATH) == 0,
      Step::kDevice, name);
  ::close(tree_fd);
}

// The request may have put anything at /dev/pts.
bool IsMultiplexer(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return false;
  errno = ENOTTY;
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(5, 2);
}

// By descriptor all the way: /dev/pts/N could have been exchanged meanwhile (CVE-2025-52565).
void BindConsole(int root_fd, int terminal_fd, const Reporter& report) {
  const int console_fd = async_signal_safe::EnsureFileInRoot(root_fd, "/dev/console", 0600);
  const int tree_fd =
      ::open_tree(terminal_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  report.Check(console_fd >= 0 && tree_fd >= 0 && MoveTree(tree_fd, console_fd), Step::kTerminal,
               "/dev/console");
}

}  // namespace

void MakeDeviceNodes(int dev_fd, const std::vector<DevicePlan>& devices, const Reporter& report) {
  const mode_t umask = ::umask(0);
  const char* failed = MakeNodes(dev_fd);
  report.Check(failed == nullptr, Step::kDevice, failed);
  for (const DevicePlan& device : devices) MakeNode(dev_fd, device, report);
  failed = MakeLinks(dev_fd);
  report.Check(failed == nullptr, Step::kDevice, failed);
  ::umask(umask);
}

const char* MakeDefaultDevices(int dev_fd) {
  const mode_t umask = ::umask(0);
  const char* failed = MakeNodes(dev_fd);
  if (failed == nullptr) failed = MakeLinks(dev_fd);
  ::umask(umask);
  return failed;
}

void ConfineDevices(int dev_fd, const std::vector<DevicePlan>& devices, const Reporter& report) {
  for (const Node& node : kNodes) Confine(dev_fd, node.name, report);
  for (const DevicePlan& device : devices) Confine(dev_fd, device.path.c_str(), report);
  mount_attr attr{.attr_set = MOUNT_ATTR_NODEV};
  report.Check(::mount_setattr(dev_fd, "", AT_EMPTY_PATH, &attr, sizeof attr) == 0, Step::kDevice);
}

void OpenTerminal(const InitPlan& plan, const Reporter& report) {
  const int root_fd = plan.root.get();
  const int master_fd =
      async_signal_safe::OpenInRoot(root_fd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
  report.Check(master_fd >= 0 && IsMultiplexer(master_fd), Step::kTerminal, "/dev/pts/ptmx");
  int unlock = 0;
  report.Check(::ioctl(master_fd, TIOCSPTLCK, &unlock) == 0, Step::kTerminal);
  const int terminal_fd = ::ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  report.Check(terminal_fd >= 0, Step::kTerminal);
  report.SendTerminal(master_fd);
  ::close(master_fd);
  BindConsole(root_fd, terminal_fd, report);
  report.Check(::ioctl(terminal_fd, TIOCSCTTY, 0) == 0, Step::kTerminal);
  if (::fchown(terminal_fd, plan.process.uid, static_cast<gid_t>(-1)) != 0) errno = 0;
  for (int number = 0; number < 3; ++number) {
    report.Check(::dup2(terminal_fd, number) == number, Step::kTerminal);
  }
}

}  // namespace trivet::shim
