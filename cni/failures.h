#pragma once

#include <optional>
#include <utility>

#include "common/base/error.h"

namespace trivet::cni {

/// Collects failures of work that goes on after each of them (GC): the first one's code, and the
/// words of all.
class Failures {
 public:
  /// True for success.
  bool Add(trivet::Result<> result) {
    if (result) return true;
    first_ = first_ ? Error(first_->code(),
                            fmt::format("{}; {}", first_->message(), result.error().message()))
                    : std::move(result).error();
    return false;
  }
  trivet::Result<> Result() && {
    if (first_) return std::unexpected(std::move(*first_));
    return {};
  }

 private:
  std::optional<Error> first_;
};

}  // namespace trivet::cni
