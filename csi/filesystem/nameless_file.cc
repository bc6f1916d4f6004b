#include "csi/filesystem/nameless_file.h"

#include <fcntl.h>
#include <unistd.h>

namespace trivet::csi {

Result<UniqueFd> MakeNameless(const std::filesystem::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid()) return FailErrno("make a file in {}", folder.native());
  return fd;
}

Result<> GiveName(const UniqueFd& nameless, const std::filesystem::path& name) {
  // open(2): the way that needs no further capability.
  const std::string link = fmt::format("/proc/self/fd/{}", nameless.get());
  if (::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
  return FailErrno("name {}", name.native());
}

}  // namespace trivet::csi
