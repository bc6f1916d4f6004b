#include "cri-runtime/sandbox/shim_program.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace trivet::sandbox {

Result<ReadOnlyProgram> ReadOnlyProgram::Open(const std::filesystem::path& file) {
  const UniqueFd opened(::open(file.c_str(), O_PATH | O_CLOEXEC));
  struct stat status{};
  if (!opened.valid() || ::fstat(opened.get(), &status) != 0) {
    return FailErrno("open {}", file.native());
  }
  ASSIGN_OR_RETURN(DetachedMount mount, DetachedMount::Bind(opened.get()), file.native());
  RETURN_IF_ERROR(mount.SetAttributes(MOUNT_ATTR_RDONLY), file.native());
  return ReadOnlyProgram(std::move(mount), status);
}

// By this process's number: the child has closed its own descriptors before it executes.
std::filesystem::path ReadOnlyProgram::path() const {
  return fmt::format("/proc/{}/fd/{}", ::getpid(), mount_.fd());
}

bool ReadOnlyProgram::IsFrom(const std::filesystem::path& file) const {
  struct stat now{};
  return ::stat(file.c_str(), &now) == 0 && now.st_dev == status_.st_dev &&
         now.st_ino == status_.st_ino && now.st_ctim.tv_sec == status_.st_ctim.tv_sec &&
         now.st_ctim.tv_nsec == status_.st_ctim.tv_nsec;
}

Result<std::shared_ptr<const ReadOnlyProgram>> ReadOnlyPrograms::Of(
    const std::filesystem::path& file) {
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<const ReadOnlyProgram>& program = programs_[file];
  if (program == nullptr || !program->IsFrom(file)) {
    ASSIGN_OR_RETURN(ReadOnlyProgram opened, ReadOnlyProgram::Open(file));
    program = std::make_shared<const ReadOnlyProgram>(std::move(opened));
  }
  return program;
}

}  // namespace trivet::sandbox
