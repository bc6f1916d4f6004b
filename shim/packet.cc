#include "shim/packet.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstring>

#include "common/linux/file.h"
#include "proto/trivet/shim_header.h"

namespace trivet::shim {
namespace {

constexpr size_t kMaxFds = 253;  // SCM_MAX_FD, net/scm.h
constexpr size_t kMaxHeaderBytes = 4096;
constexpr uint64_t kMaxBodyBytes = uint64_t{64} << 20;

// One thread, one packet at a time: the buffer is the program's, not the heap's, and only the pages
// that a packet fills are ever touched.
std::array<char, kMaxInlineBytes + kMaxHeaderBytes> receive_buffer;

std::vector<UniqueFd> TakeFds(msghdr& message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof number);
      fds.emplace_back(number);
    }
  }
  return fds;
}

struct Received {
  std::string_view bytes;
  std::vector<UniqueFd> fds;
  bool lost_fds = false;
};

Result<Received> Receive(int socket_fd) {
  iovec data{receive_buffer.data(), receive_buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> control;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t n = -1;
  do {
    n = ::recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return Fail(Code::kAborted, "no packet is there");
  if (n <= 0) return Fail(Code::kUnavailable, "the peer is gone");
  Received received{{receive_buffer.data(), static_cast<size_t>(n)},
                    TakeFds(message),
                    (message.msg_flags & MSG_CTRUNC) != 0};
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    return Fail(Code::kInvalidArgument, "packet is larger than a packet may be");
  }
  return received;
}

Result<std::string> ReadBodyFile(std::vector<UniqueFd>& fds) {
  if (fds.empty()) return Fail(Code::kInvalidArgument, "packet lacks the descriptor of its body");
  const UniqueFd file = std::move(fds.front());
  fds.erase(fds.begin());
  return ReadAll(file.get(), "packet body", kMaxBodyBytes);
}

}  // namespace

Result<Packet> ReceivePacket(int socket_fd) {
  ASSIGN_OR_RETURN(Received received, Receive(socket_fd));
  Packet packet;
  ASSIGN_OR_RETURN(packet.header, ReadHeader(received.bytes));
  packet.lost_fds = received.lost_fds;
  if (packet.lost_fds) return packet;
  packet.fds = std::move(received.fds);
  if (packet.header.body_in_memfd != 0) {
    ASSIGN_OR_RETURN(packet.body, ReadBodyFile(packet.fds));
  } else {
    packet.body = received.bytes.substr(wire::Encode(packet.header).size());
  }
  return packet;
}

Result<> SendPacket(int socket_fd, Header header, std::string_view body) {
  std::string bytes = wire::Encode(header);
  bytes += body;
  ssize_t sent = -1;
  do {
    sent = ::send(socket_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return Fail(Code::kUnavailable, "the peer is gone or does not read");
  return {};
}

Result<UniqueFd> TakeFd(std::vector<UniqueFd>& fds, int32_t index, std::string_view field) {
  const auto position = static_cast<size_t>(index);
  if (index < 0 || position >= fds.size() || !fds[position].valid()) {
    return Fail(Code::kInvalidArgument, "{}: there is no descriptor {}", field, index);
  }
  return std::move(fds[position]);
}

}  // namespace trivet::shim
