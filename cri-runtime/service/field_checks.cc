#include "cri-runtime/service/field_checks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <limits>

namespace trivet::cri {
namespace {

constexpr size_t kMaxNameBytes = 253;
constexpr size_t kMaxPathBytes = 4095;

bool HasControl(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// Control characters are not repeated at whoever reads the error.
std::unexpected<Error> Unexpected(std::string_view field, std::string_view text) {
  if (HasControl(text)) return Fail(Code::kInvalidArgument, "{}: has a control character", field);
  return Fail(Code::kInvalidArgument, "{}: unexpected \"{}\"", field,
              text.substr(0, kMaxNameBytes));
}

bool HasDotDot(std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
  return false;
}

}  // namespace

Result<> CheckName(std::string_view field, std::string_view name) {
  if (name.empty()) return Fail(Code::kInvalidArgument, "{}: missing", field);
  if (name.size() > kMaxNameBytes) {
    return Fail(Code::kInvalidArgument, "{}: longer than {} bytes", field, kMaxNameBytes);
  }
  if (HasControl(name) || name.find('/') != std::string_view::npos) return Unexpected(field, name);
  return {};
}

Result<> CheckContainerPath(std::string_view field, std::string_view path) {
  if (path.empty()) return Fail(Code::kInvalidArgument, "{}: missing", field);
  if (path.size() > kMaxPathBytes) {
    return Fail(Code::kInvalidArgument, "{}: longer than {} bytes", field, kMaxPathBytes);
  }
  if (HasControl(path)) return Unexpected(field, path);
  if (path[0] == '/') return {};
  return Fail(Code::kInvalidArgument, "{}: \"{}\" is not absolute", field, path);
}

Result<> CheckAbsolutePath(std::string_view field, std::string_view path) {
  if (HasDotDot(path)) return Unexpected(field, path);
  return CheckContainerPath(field, path);
}

Result<> CheckInnerPath(std::string_view field, std::string_view path) {
  if (path.empty()) return {};
  if (path.size() > kMaxPathBytes || HasControl(path)) return Unexpected(field, path);
  if (path[0] != '/' && !HasDotDot(path)) return {};
  return Fail(Code::kInvalidArgument, "{}: \"{}\" leaves its folder", field, path);
}

Result<> CheckLine(std::string_view field, std::string_view text) {
  if (HasControl(text)) return Unexpected(field, text);
  return {};
}

Result<> CheckArgument(std::string_view field, std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return {};
  return Fail(Code::kInvalidArgument, "{}: has a NUL byte", field);
}

Result<uint32_t> CheckUserNumber(std::string_view field, int64_t number) {
  if (number >= 0 && number <= std::numeric_limits<int32_t>::max()) {
    return static_cast<uint32_t>(number);
  }
  return Fail(Code::kInvalidArgument, "{}: unexpected {}", field, number);
}

Result<std::chrono::seconds> ParseGrace(int64_t seconds) {
  return ParseTimeout(std::max(seconds, int64_t{0}));
}

Result<std::chrono::seconds> ParseTimeout(int64_t seconds) {
  constexpr int64_t kMaxSeconds = int64_t{1} << 31;
  if (seconds >= 0 && seconds <= kMaxSeconds) return std::chrono::seconds(seconds);
  return Fail(Code::kInvalidArgument, "timeout: unexpected {}", seconds);
}

Result<> CheckAddress(std::string_view field, const std::string& address) {
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  if (::inet_pton(AF_INET, address.c_str(), binary.data()) == 1 ||
      ::inet_pton(AF_INET6, address.c_str(), binary.data()) == 1) {
    return {};
  }
  return Unexpected(field, address);
}

}  // namespace trivet::cri
