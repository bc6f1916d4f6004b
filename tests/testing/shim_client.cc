#include "tests/testing/shim_client.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/linux/file.h"

namespace trivet::testing {
namespace {

constexpr int kPatienceMs = 10'000;

}  // namespace

Result<ShimClient> ShimClient::Connect(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return FailErrno("connect to {}", socket.native());
  }
  return ShimClient(std::move(fd));
}

Result<> ShimClient::SendRaw(const std::string& bytes, const std::vector<int>& fds) const {
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(253 * sizeof(int))> control{};
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
  if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0) return FailErrno("send");
  return {};
}

Result<> ShimClient::Send(const shim::Header& header, const std::string& body,
                          const std::vector<int>& fds) {
  if (body.size() <= shim::kMaxInlineBytes) return SendRaw(wire::Encode(header) + body, fds);
  const UniqueFd file(::memfd_create("body", MFD_CLOEXEC));
  RETURN_IF_ERROR(WriteAll(file.get(), body, "body"));
  ::lseek(file.get(), 0, SEEK_SET);
  std::vector<int> all = fds;
  all.insert(all.begin(), file.get());
  shim::Header outside = header;
  outside.body_in_memfd = 1;
  return SendRaw(wire::Encode(outside), all);
}

Result<uint32_t> ShimClient::Send(shim::Verb verb, const std::string& body,
                                  const std::vector<int>& fds) {
  RETURN_IF_ERROR(Send({.serial = ++serial_, .verb = verb}, body, fds));
  return serial_;
}

Result<ShimClient::Packet> ShimClient::Receive() {
  pollfd event{socket_.get(), POLLIN, 0};
  if (::poll(&event, 1, kPatienceMs) == 0) return Fail(Code::kDeadlineExceeded, "no packet");
  std::string bytes(shim::kMaxInlineBytes + 16384, '\0');
  const ssize_t n = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (n <= 0) return Fail(Code::kUnavailable, "connection closed");
  bytes.resize(static_cast<size_t>(n));
  Packet packet;
  wire::Reader reader(bytes);
  Fields(reader, packet.header);
  packet.body = bytes.substr(wire::Encode(packet.header).size());
  return packet;
}

Result<std::string> ShimClient::AwaitAnswer(uint32_t serial) {
  while (true) {
    const auto kept = std::ranges::find_if(
        answers_, [&](const Packet& packet) { return packet.header.serial == serial; });
    if (kept != answers_.end()) {
      const Packet packet = *kept;
      answers_.erase(kept);
      if (packet.header.code == 0) return packet.body;
      return std::unexpected(Error(static_cast<Code>(packet.header.code), packet.header.message));
    }
    ASSIGN_OR_RETURN(Packet packet, Receive());
    if (packet.header.serial != 0) {
      answers_.push_back(std::move(packet));
    } else {
      ASSIGN_OR_RETURN(auto exit, wire::Decode<shim::ExitRecord>(packet.body));
      exits_.push_back(std::move(exit));
    }
  }
}

Result<ShimClient::Greeting> ShimClient::Greet(uint16_t minor) {
  RETURN_IF_ERROR(Send(shim::Verb::kHello, wire::Encode(shim::Offer{minor}), {}));
  ASSIGN_OR_RETURN(const Packet packet, Receive());
  const uint32_t version = packet.header.version;
  ASSIGN_OR_RETURN(shim::State state,
                   wire::Decode<shim::State>(packet.body, shim::MinorOf(version)));
  minor_ = shim::MinorOf(version);
  return Greeting{version, std::move(state)};
}

Result<shim::Header> ShimClient::ReceiveHeader() {
  ASSIGN_OR_RETURN(const Packet packet, Receive());
  return packet.header;
}

Result<shim::ExitRecord> ShimClient::AwaitExit() {
  while (exits_.empty()) {
    ASSIGN_OR_RETURN(Packet packet, Receive());
    if (packet.header.serial != 0) {
      answers_.push_back(std::move(packet));
      continue;
    }
    ASSIGN_OR_RETURN(auto exit, wire::Decode<shim::ExitRecord>(packet.body));
    exits_.push_back(std::move(exit));
  }
  shim::ExitRecord exit = std::move(exits_.front());
  exits_.pop_front();
  return exit;
}

bool ShimClient::IsClosed() const {
  pollfd event{socket_.get(), POLLIN, 0};
  char byte = 0;
  return ::poll(&event, 1, kPatienceMs) > 0 &&
         ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

}  // namespace trivet::testing
