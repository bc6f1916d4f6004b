#pragma once

#include <grpcpp/server_context.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/error.h"

/// Checks of a request's fields. All fail with kInvalidArgument "field: reason".
namespace trivet::cri {

/// A name of something: not empty, at most 253 bytes, no control characters, no "/".
Result<> CheckName(std::string_view field, std::string_view name);
/// An absolute path without "..", control characters and NUL.
Result<> CheckAbsolutePath(std::string_view field, std::string_view path);
/// The same of a path inside a container, where ".." is cleaned away: it cannot leave the root.
Result<> CheckContainerPath(std::string_view field, std::string_view path);
/// A relative path that stays inside; may be empty.
Result<> CheckInnerPath(std::string_view field, std::string_view path);
/// Text of one line: no control characters.
Result<> CheckLine(std::string_view field, std::string_view text);
/// What execve can carry: no NUL.
Result<> CheckArgument(std::string_view field, std::string_view text);
/// A user or group number, 0 to 2147483647.
Result<uint32_t> CheckUserNumber(std::string_view field, int64_t number);
/// How long something that is stopped may take, in seconds: at once when there is less than none.
Result<std::chrono::seconds> ParseGrace(int64_t seconds);
/// A timeout in seconds, 0 to 2^31: more would overflow where it is counted in nanoseconds.
Result<std::chrono::seconds> ParseTimeout(int64_t seconds);
/// "10.0.0.1" or "fd00::1".
Result<> CheckAddress(std::string_view field, const std::string& address);

/// When the caller gives up; never without a context (a test's call).
inline std::chrono::system_clock::time_point DeadlineOf(const grpc::ServerContext* context) {
  return context == nullptr ? std::chrono::system_clock::time_point::max() : context->deadline();
}

}  // namespace trivet::cri
