#include "cri-runtime/shim_client/socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/linux/socket_address.h"

namespace trivet::cri {
namespace {

// A shim that does not take a packet for this long is stuck.
constexpr timeval kSendPatience{5, 0};

Result<> CheckPeer(const UniqueFd& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return FailErrno("ask for the peer");
  }
  if (peer.uid == ::geteuid()) return {};
  return Fail(Code::kUnavailable, "the peer is user {}", peer.uid);
}

}  // namespace

Result<UniqueFd> ConnectToShim(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const SocketAddress address, SocketAddress::Of(path), "socket");
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return FailErrno("socket");
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendPatience, sizeof kSendPatience);
  if (::connect(socket.get(), address.get(), SocketAddress::size()) != 0) {
    if (errno == ECONNREFUSED)
      return Fail(Code::kUnavailable, "nobody listens on {}", path.native());
    return FailErrno("connect to {}", path.native());
  }
  RETURN_IF_ERROR(CheckPeer(socket), path.native());
  return socket;
}

}  // namespace trivet::cri
