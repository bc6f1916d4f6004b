#include "cri-runtime/image/folder_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cri-runtime/image/beneath.h"

namespace trivet::image {

Result<std::unique_ptr<Source>> FolderSource::Open(const std::filesystem::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOTDIR) {
    return Fail(Code::kInvalidArgument, "not a folder; for a file write oci-archive:");
  }
  if (!fd.valid()) return FailErrno("open {}", folder.native());
  return std::unique_ptr<Source>(new FolderSource(std::move(fd)));
}

Result<UniqueFd> FolderSource::Open(const std::string& name) const {
  // O_NONBLOCK: opening a fifo would wait for a writer.
  UniqueFd file = OpenBeneath(folder_.get(), name, O_RDONLY | O_NONBLOCK, Links::kFollow);
  if (!file.valid() && errno == ENOENT) {
    return Fail(Code::kNotFound, "{}: not in the layout", name);
  }
  if (!file.valid() && (errno == EXDEV || errno == ELOOP)) {
    return Fail(Code::kInvalidArgument, "{}: a link that leads out of the layout", name);
  }
  if (!file.valid()) return FailErrno("open {}", name);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return FailErrno("stat {}", name);
  if (!S_ISREG(info.st_mode)) return Fail(Code::kInvalidArgument, "{}: not a plain file", name);
  return file;
}

}  // namespace trivet::image
