#include "csi/filesystem/trim.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <limits>

#include "common/base/unique_fd.h"

namespace trivet::csi {

Result<> TrimMounted(const std::filesystem::path& target) {
  const UniqueFd fd(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("trim: open {}", target.native());
  fstrim_range range{.start = 0, .len = std::numeric_limits<uint64_t>::max(), .minlen = 0};
  if (::ioctl(fd.get(), FITRIM, &range) == 0) return {};
  return FailErrno("trim {}", target.native());
}

}  // namespace trivet::csi
