#include "tests/bench/shim/confinement.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/bench/shim/floor_steps.h"
#include "tests/bench/shim/kubelet_paths.h"

namespace trivet::bench::floor {
namespace {

int Clone(const char* path) {
  return ::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

void MakeReadonly(const char* path) {
  const int tree = Clone(path);
  if (tree < 0) return;  // not every kernel has it
  mount_attr attr{.attr_set = MOUNT_ATTR_RDONLY};
  Require(::mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr) == 0);
  Attach(tree, path);
  ::close(tree);
}

void Mask(const char* path) {
  struct stat status{};
  if (::stat(path, &status) != 0) return;
  const int tree = S_ISDIR(status.st_mode) ? NewFileSystem("tmpfs", kQuiet | MOUNT_ATTR_RDONLY)
                                           : Clone("/dev/null");
  Require(tree >= 0);
  Attach(tree, path);
  ::close(tree);
}

void MountNew(const char* type, unsigned attributes, const char* target) {
  const int tree = NewFileSystem(type, attributes);
  Attach(tree, target);
  ::close(tree);
}

void AddMounts(const Confinement& confinement, bool shows_groups) {
  Require(::mkdir("/dev/mqueue", 0755) == 0 && ::mkdir("/dev/shm", 01777) == 0);
  Require(::mknod("/dev/termination-log", S_IFREG | 0644, 0) == 0);
  MountNew("mqueue", kQuiet, "/dev/mqueue");
  MountNew("tmpfs", kQuiet, "/dev/shm");
  MountNew("sysfs", kQuiet | MOUNT_ATTR_RDONLY, "/sys");
  if (shows_groups) MountNew("cgroup2", kQuiet | MOUNT_ATTR_RDONLY, "/sys/fs/cgroup");
  for (const auto& [tree, target] : confinement.mounts) Attach(tree.get(), target);
  for (const char* path : kReadonly) MakeReadonly(path);
  for (const char* path : kMasked) Mask(path);
}

void TakePrivileges() {
  Require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  for (unsigned capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if ((kCapabilities >> capability & 1) != 0) continue;
    Require(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0);
  }
  Require(::setgroups(0, nullptr) == 0 && ::setresgid(0, 0, 0) == 0 && ::setresuid(0, 0, 0) == 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3};
  const __user_cap_data_struct data[2] = {{.effective = static_cast<unsigned>(kCapabilities),
                                           .permitted = static_cast<unsigned>(kCapabilities)},
                                          {}};
  Require(::syscall(SYS_capset, &header, data) == 0);
}

void LoadFilter(const std::string& filter) {
  const sock_fprog program{
      .len = static_cast<unsigned short>(filter.size() / sizeof(sock_filter)),
      .filter = reinterpret_cast<sock_filter*>(const_cast<char*>(filter.data()))};
  Require(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

}  // namespace

void Confine(const Confinement& confinement, bool shows_groups) {
  AddMounts(confinement, shows_groups);
  TakePrivileges();
  LoadFilter(confinement.filter);
}

}  // namespace trivet::bench::floor
