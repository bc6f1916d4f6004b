#include "cni/error_code.h"

#include "common/base/json.h"

namespace trivet::cni {

ErrorCode ErrorCodeOf(Command command, const Error& error) {
  if (command == Command::kStatus) {
    return error.code() == Code::kFailedPrecondition ? ErrorCode::kNotAvailableLimited
                                                     : ErrorCode::kNotAvailable;
  }
  switch (error.code()) {
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
      return ErrorCode::kTryAgainLater;
    case Code::kAlreadyExists:
      return ErrorCode::kAlreadyAttached;
    case Code::kFailedPrecondition:
      return command == Command::kCheck ? ErrorCode::kCheckFailed : ErrorCode::kKernel;
    default:
      break;
  }
  if (error.sys_errno() != 0) return ErrorCode::kKernel;
  switch (error.code()) {
    case Code::kInvalidArgument:
      return ErrorCode::kInvalidConfig;
    case Code::kPermissionDenied:
      return ErrorCode::kNotAllowed;
    case Code::kUnimplemented:
      return ErrorCode::kUnsupportedField;
    case Code::kResourceExhausted:
    case Code::kAborted:
      return ErrorCode::kTryAgainLater;
    default:
      return ErrorCode::kInternal;
  }
}

std::string FormatError(SpecVersion version, ErrorCode code, const std::string& message) {
  return json::WritePretty(
      {{"cniVersion", Name(version)}, {"code", static_cast<int>(code)}, {"msg", message}});
}

}  // namespace trivet::cni
