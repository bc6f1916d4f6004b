#include "cri-runtime/image/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace trivet::image {

UniqueFd OpenBeneath(int directory_fd, const std::string& path, int flags, Links links) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  if (links == Links::kRefuse) how.resolve |= RESOLVE_NO_SYMLINKS;
  long fd = -1;
  do {  // EAGAIN: a rename elsewhere on the machine raced with the lookup
    fd = ::syscall(SYS_openat2, directory_fd, path.c_str(), &how, sizeof how);
  } while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  return UniqueFd(static_cast<int>(fd));
}

}  // namespace trivet::image
