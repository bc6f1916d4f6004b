#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace trivet {

/// What a program may do about a failure. The numbers are gRPC's, so that an
/// answer to an RPC needs no table.
enum class Code : int {
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
};

/// A failure: code() and sys_errno() for programs, message() for people.
/// Branch on the code or the errno, never on the text.
class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  /// "open /x: No such file or directory", with the code that fits `err`.
  static Error FromErrno(int err, std::string_view what);

  [[nodiscard]] Code code() const { return code_; }
  /// The kernel's errno, or 0 when the failure did not come from a system call.
  [[nodiscard]] int sys_errno() const { return sys_errno_; }
  [[nodiscard]] const std::string& message() const { return message_; }

  /// Puts the step that failed in front: "load config: open /x: ...".
  [[nodiscard]] Error Wrap(std::string_view step) &&;
  /// As it is: for a macro below without a step, where the callee named it already.
  [[nodiscard]] Error Wrap() && { return std::move(*this); }

 private:
  Code code_;
  int sys_errno_ = 0;
  std::string message_;
};

/// A value, or why there is none. A class of its own because GCC 12 does not
/// warn when a std::expected is dropped.
template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

/// The code that fits an errno: ENOENT is kNotFound, EBUSY is kAborted, ...
Code CodeOfErrno(int err);

template <class... Args>
[[nodiscard]] std::unexpected<Error> Fail(Code code, fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

/// Reads errno first, then formats: an argument must not make a system call.
template <class... Args>
[[nodiscard]] std::unexpected<Error> FailErrno(fmt::format_string<Args...> format, Args&&... args) {
  const int err = errno;
  return std::unexpected(Error::FromErrno(err, fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace trivet

#define TRIVET_CONCAT_INNER(a, b) a##b
#define TRIVET_CONCAT(a, b) TRIVET_CONCAT_INNER(a, b)

/// RETURN_IF_ERROR(expression[, step]): returns the failure of `expression`, with
/// `step` in front, from the enclosing function.
#define RETURN_IF_ERROR(expression, ...)                                          \
  do {                                                                            \
    if (auto trivet_result = (expression); !trivet_result) {                      \
      return std::unexpected(std::move(trivet_result).error().Wrap(__VA_ARGS__)); \
    }                                                                             \
  } while (false)

/// ASSIGN_OR_RETURN(declaration, expression[, step]): declares `declaration` with the
/// value of `expression`, or returns its failure.
#define ASSIGN_OR_RETURN(declaration, expression, ...)                                     \
  ASSIGN_OR_RETURN_INNER(TRIVET_CONCAT(trivet_result_, __LINE__), declaration, expression, \
                         __VA_ARGS__)
#define ASSIGN_OR_RETURN_INNER(result, declaration, expression, ...)     \
  auto result = (expression);                                            \
  if (!result) {                                                         \
    return std::unexpected(std::move(result).error().Wrap(__VA_ARGS__)); \
  }                                                                      \
  declaration = std::move(*result)
