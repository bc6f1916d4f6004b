#include "tests/bench/shim/kernel_floor.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>

#include "tests/bench/shim/floor_steps.h"

namespace trivet::bench::floor {
namespace {

// Both ends close on exec: the end of the pipe says that the program runs.
Result<std::array<UniqueFd, 2>> MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
  return std::array{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void AwaitEnd(std::array<UniqueFd, 2>& pipe) {
  pipe[1].reset();
  char byte = 0;
  while (::read(pipe[0].get(), &byte, 1) > 0) {
  }
}

[[noreturn]] void Execute(const char* program, const char* argument) {
  const char* const argv[] = {program, argument, nullptr};
  const char* const environment[] = {nullptr};
  ::execve(program, const_cast<char**>(argv), const_cast<char**>(environment));
  ::_exit(kFailed);
}

// Each node a mount of its own, then nodev on the folder: what the shim does for device access.
void MakeDev() {
  constexpr std::array<std::pair<const char*, std::pair<unsigned, unsigned>>, 6> kNodes{
      {{"null", {1, 3}},
       {"zero", {1, 5}},
       {"full", {1, 7}},
       {"random", {1, 8}},
       {"urandom", {1, 9}},
       {"tty", {5, 0}}}};
  const int dev = NewFileSystem("tmpfs", MOUNT_ATTR_NOSUID);
  for (const auto& [name, number] : kNodes) {
    Require(::mknodat(dev, name, S_IFCHR | 0666, makedev(number.first, number.second)) == 0);
  }
  Require(::mkdirat(dev, "pts", 0755) == 0);
  Attach(dev, "/dev");
  for (const auto& [name, number] : kNodes) {
    const int node = ::open_tree(dev, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    Require(node >= 0 && ::move_mount(node, "", dev, name, MOVE_MOUNT_F_EMPTY_PATH) == 0);
    ::close(node);
  }
  mount_attr attr{.attr_set = MOUNT_ATTR_NODEV};
  Require(::mount_setattr(dev, "", AT_EMPTY_PATH, &attr, sizeof attr) == 0);
}

[[noreturn]] void RunContainer(const ContainerParts& parts) {
  for (const UniqueFd& procs : parts.procs_files) Require(::write(procs.get(), "0", 1) == 1);
  ::setsid();
  Require(::unshare(CLONE_NEWNS | CLONE_NEWCGROUP) == 0);
  Require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
  Attach(parts.root.get(), parts.attach_point.c_str());
  Require(::fchdir(parts.root.get()) == 0 && ::syscall(SYS_pivot_root, ".", ".") == 0);
  Require(::umount2(".", MNT_DETACH) == 0 && ::chdir("/") == 0);
  Attach(NewFileSystem("proc", kQuiet), "/proc");
  MakeDev();
  Attach(NewFileSystem("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), "/dev/pts");
  Attach(parts.usr.get(), "/usr");
  if (parts.confinement) Confine(*parts.confinement, parts.birth_group.valid());
  Execute("/bin/sleep", "1000");
}

}  // namespace

int NewFileSystem(const char* type, unsigned attributes) {
  const int context = ::fsopen(type, FSOPEN_CLOEXEC);
  Require(::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0);
  const int tree = ::fsmount(context, FSMOUNT_CLOEXEC, attributes);
  Require(tree >= 0);
  ::close(context);
  return tree;
}

Result<Child> StartPod(const char* netns) {
  ASSIGN_OR_RETURN(auto ready, MakePipe());
  ASSIGN_OR_RETURN(Child child, Clone3({}));
  if (child.pid == 0) {
    Require(::unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0);
    Require(::mount("/proc/self/ns/net", netns, nullptr, MS_BIND, nullptr) == 0);
    ::close(ready[0].get());
    ::close(ready[1].get());
    ::pause();
    ::_exit(0);
  }
  AwaitEnd(ready);
  return child;
}

Result<Child> StartContainer(const BenchRoot& root, const char* attach_point) {
  ContainerParts parts{.attach_point = attach_point};
  ASSIGN_OR_RETURN(parts.root, root.Root());
  ASSIGN_OR_RETURN(parts.usr, BenchRoot::Usr());
  return StartContainer(parts);
}

Result<Child> StartContainer(const ContainerParts& parts) {
  ASSIGN_OR_RETURN(auto executed, MakePipe());
  ASSIGN_OR_RETURN(Child child,
                   Clone3({.flags = CLONE_NEWPID, .cgroup_fd = parts.birth_group.get()}));
  if (child.pid == 0) RunContainer(parts);
  AwaitEnd(executed);
  return child;
}

// A process enters a PID namespace by its birth only: the caller goes in and out around the clone.
Result<> Exec(const Child& container) {
  const UniqueFd own(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  if (::setns(container.pidfd.get(), CLONE_NEWPID) != 0) return FailErrno("setns");
  ASSIGN_OR_RETURN(const Child child, Clone3({}));
  if (child.pid == 0) {
    ::setsid();
    Require(::setns(container.pidfd.get(), CLONE_NEWNS | CLONE_NEWCGROUP) == 0);
    Execute("/bin/true", nullptr);
  }
  if (::setns(own.get(), CLONE_NEWPID) != 0) return FailErrno("setns");
  ASSIGN_OR_RETURN(const int exit_code, Reap(child.pidfd));
  if (exit_code != 0) return Fail(Code::kInternal, "exec ended with {}", exit_code);
  return {};
}

}  // namespace trivet::bench::floor
