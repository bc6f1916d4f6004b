#pragma once

#include <gmock/gmock.h>

#include <ostream>
#include <string>

#include "common/base/error.h"

namespace trivet {
void PrintTo(const Error& error, std::ostream* out);
template <class T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  if (result) {
    *out << "a value";
  } else {
    PrintTo(result.error(), out);
  }
}
}  // namespace trivet

namespace trivet::testing {

/// EXPECT_THAT(result, IsOk()): the failure's text is printed when it is not.
MATCHER(IsOk, "is a value") {
  if (arg.has_value()) return true;
  *result_listener << arg.error().message();
  return false;
}

/// EXPECT_THAT(result, FailsWith(Code::kNotFound, "volume v1")): the code, and words of the
/// message.
MATCHER_P2(FailsWith, code, words, "fails with the code and the words") {
  if (arg.has_value()) return false;
  *result_listener << "code " << static_cast<int>(arg.error().code()) << ": "
                   << arg.error().message();
  return arg.error().code() == code && arg.error().message().find(words) != std::string::npos;
}

}  // namespace trivet::testing
