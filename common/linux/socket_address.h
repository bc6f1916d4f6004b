#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet {

/// Where a unix socket is, as bind(2) and connect(2) take it. The kernel takes 107 bytes; a longer
/// path is reached through its open folder, /proc/self/fd/N/NAME, for as long as this object lives.
/// Needs /proc only then. Source: unix(7).
class SocketAddress {
 public:
  /// Errors: kNotFound, the folder does not exist; kInvalidArgument, the name alone is too long.
  static Result<SocketAddress> Of(const std::filesystem::path& path);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] static constexpr socklen_t size() { return sizeof(sockaddr_un); }

 private:
  UniqueFd folder_;
  sockaddr_un address_{.sun_family = AF_UNIX};
};

}  // namespace trivet
