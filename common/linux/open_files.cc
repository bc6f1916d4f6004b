#include "common/linux/open_files.h"

#include <algorithm>

namespace trivet {

rlimit EnoughOpenFiles(const rlimit& now) {
  constexpr rlim_t kEnough = rlim_t{1} << 20;
  return {std::max(now.rlim_cur, std::min(now.rlim_max, kEnough)), now.rlim_max};
}

Result<rlimit> RaiseOpenFilesLimit() {
  rlimit before{};
  if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return FailErrno("read RLIMIT_NOFILE");
  const rlimit raised = EnoughOpenFiles(before);
  if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) return FailErrno("raise RLIMIT_NOFILE");
  return before;
}

}  // namespace trivet
