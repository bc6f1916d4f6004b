#include "common/base/error.h"

#include <cerrno>
#include <cstring>

namespace trivet {

Code CodeOfErrno(int err) {
  switch (err) {
    case EINVAL:
    case ERANGE:  // cgroup files say so of a number that this machine cannot have
    case ENAMETOOLONG:
    case E2BIG:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
      return Code::kInvalidArgument;
    case ENOENT:
    case ESRCH:
    case ENODEV:
    case ENXIO:
    case ENOTCONN:
      return Code::kNotFound;
    case EEXIST:
      return Code::kAlreadyExists;
    case EPERM:
    case EACCES:
    case EROFS:
      return Code::kPermissionDenied;
    case ENOSPC:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EDQUOT:
    case EAGAIN:
      return Code::kResourceExhausted;
    case EBUSY:
    case ENOTEMPTY:
    case ETXTBSY:
      return Code::kAborted;
    case ETIMEDOUT:
    case ETIME:
      return Code::kDeadlineExceeded;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      return Code::kUnavailable;
    case ENOSYS:
    case EOPNOTSUPP:
      return Code::kUnimplemented;
    case ECANCELED:
      return Code::kCancelled;
    default:
      return Code::kInternal;
  }
}

// Not strerror: it looks for a translation first, and most errors are no news ("file is absent").
Error Error::FromErrno(int err, std::string_view what) {
  const char* const description = ::strerrordesc_np(err);
  Error error(CodeOfErrno(err), description != nullptr
                                    ? fmt::format("{}: {}", what, description)
                                    : fmt::format("{}: Unknown error {}", what, err));
  error.sys_errno_ = err;
  return error;
}

Error Error::Wrap(std::string_view step) && {
  message_ = fmt::format("{}: {}", step, message_);
  return std::move(*this);
}

}  // namespace trivet
