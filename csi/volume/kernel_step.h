#pragma once

#include <string_view>

#include "common/base/error.h"

namespace trivet::csi {

/// Names the step, and keeps a kernel object that is missing (a device node, a
/// folder) from being answered as NOT_FOUND, which to a CO means that there is no
/// such volume: that becomes kInternal.
inline Result<> KernelStep(std::string_view step, Result<> result) {
  if (result) return result;
  Error error = std::move(result).error().Wrap(step);
  if (error.code() != Code::kNotFound) return std::unexpected(std::move(error));
  return Fail(Code::kInternal, "{}", error.message());
}

}  // namespace trivet::csi
