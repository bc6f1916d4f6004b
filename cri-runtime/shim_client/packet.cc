#include "cri-runtime/shim_client/packet.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>

#include "common/linux/file.h"
#include "proto/trivet/shim_header.h"

namespace trivet::cri {
namespace {

constexpr size_t kMaxFds = 253;  // SCM_MAX_FD, net/scm.h
constexpr size_t kMaxPacketBytes = shim::kMaxInlineBytes + 16384;
constexpr uint64_t kMaxBodyBytes = uint64_t{64} << 20;

Result<UniqueFd> SealedFile(const std::string& body) {
  UniqueFd file(::memfd_create("shim-body", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return FailErrno("memfd_create");
  RETURN_IF_ERROR(WriteAll(file.get(), body, "packet body"));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return FailErrno("seek packet body");
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) !=
      0) {
    return FailErrno("seal packet body");
  }
  return file;
}

Result<> Send(int socket_fd, std::string& bytes, const std::vector<int>& fds) {
  iovec data{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  }
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(socket_fd, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
    return Fail(Code::kUnavailable, "the shim is gone");
  }
  if (sent < 0 && errno == EAGAIN) return Fail(Code::kUnavailable, "the shim does not read");
  if (sent < 0) return FailErrno("send to shim");
  return {};
}

// Takes the descriptors out of the ancillary data: the first is the body, others close here.
UniqueFd TakeFirstFd(msghdr& message) {
  UniqueFd first;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      UniqueFd fd(number);
      if (!first.valid()) first = std::move(fd);
    }
  }
  return first;
}

// Kept: to make and to free that much for a packet of some bytes has the C library tidy its heap.
char* ReceiveBuffer() {
  thread_local const auto buffer = std::make_unique_for_overwrite<char[]>(kMaxPacketBytes);
  return buffer.get();
}

}  // namespace

Result<> SendPacket(int socket_fd, shim::Header header, const std::string& body,
                    const std::vector<int>& fds) {
  std::vector<int> all = fds;
  UniqueFd file;
  const bool inlined = body.size() <= shim::kMaxInlineBytes;
  if (!inlined) {
    ASSIGN_OR_RETURN(file, SealedFile(body));
    all.insert(all.begin(), file.get());
    header.body_in_memfd = 1;
  }
  if (all.size() > kMaxFds) {
    return Fail(Code::kInvalidArgument, "{} mounts are more than the {} a container may have",
                all.size(), kMaxFds - 1);
  }
  std::string bytes = wire::Encode(header);
  if (inlined) bytes += body;
  return Send(socket_fd, bytes, all);
}

Result<Packet> ReceivePacket(int socket_fd) {
  Packet packet;
  char* const buffer = ReceiveBuffer();
  iovec data{buffer, kMaxPacketBytes};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t received = -1;
  do {
    received = ::recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (received < 0 && errno == EINTR);
  if (received < 0 && errno == EAGAIN) return Fail(Code::kAborted, "no packet is there");
  if (received <= 0) return Fail(Code::kUnavailable, "the shim is gone");
  packet.body_fd = TakeFirstFd(message);
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    return Fail(Code::kInvalidArgument, "packet is larger than {} bytes", kMaxPacketBytes);
  }
  packet.bytes.assign(buffer, static_cast<size_t>(received));
  ASSIGN_OR_RETURN(packet.header, shim::ReadHeader(packet.bytes));
  return packet;
}

Result<std::string> ReadBodyFile(const Packet& packet) {
  if (!packet.body_fd.valid()) return Fail(Code::kInvalidArgument, "packet lacks its body");
  return ReadAll(packet.body_fd.get(), "packet body", kMaxBodyBytes);
}

}  // namespace trivet::cri
