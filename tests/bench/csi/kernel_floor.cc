#include "tests/bench/csi/kernel_floor.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "common/base/unique_fd.h"

namespace trivet::bench::floor {
namespace {

using Path = std::filesystem::path;
constexpr const char* kImage = "floor.img";
constexpr const char* kCopy = "floor-copy.img";
constexpr const char* kRecord = "floor.json";
constexpr const char* kCopyRecord = "floor-copy.json";

int Check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

void SyncFolder(const Path& folder) {
  const UniqueFd fd(Check(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
  Check(::fsync(fd.get()), "fsync");
}

void WriteRecord(const Path& folder, const char* name) {
  constexpr size_t kRecordBytes = 600;
  const Path next = folder / "floor.tmp";
  const UniqueFd fd(
      Check(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open"));
  const std::string text(kRecordBytes, 'x');
  Check(static_cast<int>(::write(fd.get(), text.data(), text.size())), "write");
  Check(::fsync(fd.get()), "fsync");
  Check(::rename(next.c_str(), (folder / name).c_str()), "rename");
  SyncFolder(folder);
}

void Remove(const Path& folder, const char* name) {
  Check(::unlink((folder / name).c_str()), "unlink");
  SyncFolder(folder);
}

}  // namespace

void MakeImage(const Path& pool, const Path& records, uint64_t bytes) {
  WriteRecord(records, kRecord);
  const UniqueFd fd(
      Check(::open((pool / kImage).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open"));
  Check(::fallocate(fd.get(), 0, 0, static_cast<off_t>(bytes)), "fallocate");
  Check(::fsync(fd.get()), "fsync");
  SyncFolder(pool);
}

void RemoveImage(const Path& pool, const Path& records) {
  Remove(pool, kImage);
  Remove(records, kRecord);
}

void Bind(const Path& source, const Path& target) {
  Check(::mkdir(target.c_str(), 0700), "mkdir");
  const UniqueFd tree(Check(
      ::open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), "open_tree"));
  Check(::move_mount(tree.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH),
        "move_mount");
}

void Unbind(const Path& target) {
  Check(::umount2(target.c_str(), UMOUNT_NOFOLLOW), "umount");
  Check(::rmdir(target.c_str()), "rmdir");
}

void Stat(const Path& path) {
  struct statvfs info{};
  Check(::statvfs(path.c_str(), &info), "statvfs");
}

void Copy(const Path& pool, const Path& records) {
  WriteRecord(records, kCopyRecord);
  const UniqueFd source(Check(::open((pool / kImage).c_str(), O_RDONLY | O_CLOEXEC), "open"));
  const UniqueFd copy(
      Check(::open((pool / kCopy).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open"));
  Check(::ioctl(copy.get(), FICLONE, source.get()), "FICLONE");
  Check(::fsync(copy.get()), "fsync");
  SyncFolder(pool);
}

void RemoveCopy(const Path& pool, const Path& records) {
  Remove(pool, kCopy);
  Remove(records, kCopyRecord);
}

}  // namespace trivet::bench::floor
