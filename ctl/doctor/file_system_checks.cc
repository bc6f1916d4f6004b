#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"
#include "ctl/doctor/check.h"
#include "ctl/doctor/existing.h"
#include "ctl/doctor/file_system.h"

namespace trivet::ctl::doctor {
namespace {

// "/lib/modules/6.1.0-18-amd64" has a file with each module's path in it.
bool IsModule(const Host& host, const std::string& name) {
  utsname kernel{};
  if (::uname(&kernel) != 0) return false;
  const auto folder = host.root / "lib/modules" / static_cast<const char*>(kernel.release);
  for (const char* list : {"modules.builtin", "modules.dep"}) {
    const auto text = ReadFile(folder / list);
    if (text && text->find("/" + name + ".ko") != std::string::npos) return true;
  }
  return false;
}

// Not by mounting one: that would load the module.
Result<Answer> ProbeType(const Host& host, const std::string& name) {
  ASSIGN_OR_RETURN(const std::string known, ReadFile(host.Proc("filesystems")));
  if (known.find("\t" + name + "\n") != std::string::npos) return Answer{};
  if (IsModule(host, name)) return Answer{.detail = "a module that is loaded when needed"};
  return Answer{State::kMissing, "the kernel does not know it"};
}

// A target of device-mapper: built in, loaded, or to be loaded.
Result<Answer> ProbeTarget(const Host& host, const std::string& module) {
  std::string loaded = module;
  std::ranges::replace(loaded, '-', '_');
  std::error_code error;
  if (std::filesystem::exists(host.Sys("module/" + loaded), error)) return Answer{};
  if (IsModule(host, module)) return Answer{.detail = "a module that is loaded when needed"};
  return Answer{State::kMissing, "the kernel does not have it"};
}

// In the folders in which trivet-csi looks, whatever PATH says.
Result<Answer> ProbeProgram(const Host& host, const std::string& name) {
  for (const char* folder : {"usr/sbin", "sbin", "usr/bin", "bin"}) {
    const auto program = host.root / folder / name;
    if (::access(program.c_str(), X_OK) == 0) return Answer{.detail = program.native()};
  }
  return Answer{State::kMissing, "not installed"};
}

Result<FileSystem> Look(const std::filesystem::path& folder) {
  struct statfs status{};
  if (::statfs(folder.c_str(), &status) != 0) return FailErrno("statfs {}", folder.native());
  return FileSystem{.magic = static_cast<uint32_t>(status.f_type),
                    .free_bytes = status.f_bavail * static_cast<uint64_t>(status.f_bsize),
                    .inodes = status.f_files,
                    .free_inodes = status.f_ffree,
                    .read_only = (status.f_flags & ST_RDONLY) != 0};
}

Result<Answer> ProbeState(const Host& host) {
  const auto folder = NearestExisting(host.state);
  ASSIGN_OR_RETURN(const FileSystem found, Look(folder));
  Answer answer = JudgeState(found);
  answer.detail = folder.native() + " is on " + answer.detail;
  return answer;
}

Result<Answer> ProbeRun(const Host& host) {
  const auto folder = NearestExisting(host.run);
  ASSIGN_OR_RETURN(const FileSystem found, Look(folder));
  Answer answer = JudgeRun(found);
  answer.detail = folder.native() + " is on " + answer.detail;
  return answer;
}

// Files without a name: they are gone with their descriptors.
Result<UniqueFd> OpenNameless(const std::filesystem::path& folder, int flags) {
  UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600));
  if (!file.valid()) return FailErrno("make a file in {}", folder.native());
  return file;
}

Result<Answer> ProbeReflink(const Host& host) {
  const auto folder = NearestExisting(host.state);
  ASSIGN_OR_RETURN(const UniqueFd source, OpenNameless(folder, 0));
  ASSIGN_OR_RETURN(const UniqueFd copy, OpenNameless(folder, 0));
  RETURN_IF_ERROR(WriteAll(source.get(), std::string(4096, 'x'), "probe"));
  if (::ioctl(copy.get(), FICLONE, source.get()) != 0) {
    return FailErrno("clone a file in {}", folder.native());
  }
  return Answer{};
}

Result<Answer> ProbeDirectIo(const Host& host) {
  RETURN_IF_ERROR(OpenNameless(NearestExisting(host.state), O_DIRECT));
  return Answer{};
}

Check Type(const std::string& name, Need need, const std::string& needed_for) {
  return {"file systems", name, need, needed_for, "modprobe " + name, [name](const Host& host) {
            return ProbeType(host, name);
          }};
}

Check Program(const std::string& name, const std::string& package, const std::string& needed_for) {
  return {"file systems",           name,
          Need::kOptional,          needed_for,
          "apt install " + package, [name](const Host& host) { return ProbeProgram(host, name); }};
}

Check Target(const std::string& module, const std::string& needed_for) {
  return {"file systems",       module,
          Need::kOptional,      needed_for,
          "modprobe " + module, [module](const Host& host) { return ProbeTarget(host, module); }};
}

}  // namespace

std::vector<Check> FileSystemChecks() {
  return {
      {"file systems", "state folder", Need::kRequired, "images, containers and records",
       "put the state folder on ext4, xfs or btrfs, with space", ProbeState},
      {"file systems", "run folder", Need::kRequired,
       "sockets, and noticing that the node was rebooted", "mount a tmpfs on /run", ProbeRun},
      {"file systems", "reflinks in the state folder", Need::kOptional,
       "snapshots and clones of file-backed volumes that cost no copy",
       "put the pool on xfs or btrfs", ProbeReflink},
      {"file systems", "direct I/O in the state folder", Need::kOptional,
       "volumes that are not cached twice", "put the pool on ext4, xfs or btrfs", ProbeDirectIo},
      Type("ext4", Need::kOptional, "volumes with fsType ext4, the default"),
      Program("mkfs.ext4", "e2fsprogs", "volumes with fsType ext4, the default"),
      Program("e2fsck", "e2fsprogs", "volumes with fsType ext4 that grow"),
      Program("resize2fs", "e2fsprogs", "volumes with fsType ext4 that grow"),
      Type("xfs", Need::kOptional, "volumes with fsType xfs"),
      Program("mkfs.xfs", "xfsprogs", "volumes with fsType xfs"),
      Type("btrfs", Need::kOptional, "pools on btrfs"),
      Target("dm-mod", "pools of type lvm"),
      Target("dm-thin-pool", "pools of type lvm with a thin pool"),
      Target("dm-crypt", "encrypted volumes"),
      Program("cryptsetup", "cryptsetup-bin", "encrypted volumes"),
      Program("lvm", "lvm2", "pools of type lvm"),
      Program("thin_dump", "thin-provisioning-tools", "changed blocks of thin logical volumes"),
  };
}

}  // namespace trivet::ctl::doctor
