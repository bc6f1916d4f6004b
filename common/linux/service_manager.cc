#include "common/linux/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/base/unique_fd.h"

namespace trivet {

Result<> NotifyServiceManager(std::string_view state) {
  const char* variable = ::getenv("NOTIFY_SOCKET");
  if (variable == nullptr) return {};
  const std::string_view path(variable);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool has_form = path.starts_with('/') || path.starts_with('@');
  if (!has_form || path.size() >= sizeof address.sun_path) {
    return Fail(Code::kInvalidArgument, "NOTIFY_SOCKET: '{}' is not a socket's path", path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.starts_with('@')) address.sun_path[0] = '\0';  // the abstract namespace

  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return FailErrno("open unix socket");
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), length) < 0) {
    return FailErrno("notify service manager at {}", path);
  }
  return {};
}

}  // namespace trivet
