#include "common/linux/open_files.h"

namespace trivet {

Result<rlimit> RaiseOpenFilesLimit() {
  rlimit before{};
  if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return FailErrno("read RLIMIT_NOFILE");
  const rlimit raised{before.rlim_max, before.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) return FailErrno("raise RLIMIT_NOFILE");
  return before;
}

}  // namespace trivet
