#include "common/linux/nftables_socket.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace trivet::nft {
namespace {

// What the kernel fills at most for one message of a dump (netlink_dump).
constexpr size_t kReceiveBytes = 32768;
constexpr int kMinBufferBytes = 1 << 20;
// Sequence numbers that no operation has.
constexpr uint32_t kBeginSequence = 0xfffffffe;
constexpr uint32_t kEndSequence = 0xffffffff;

thread_local NetfilterSocketReuse* reuse = nullptr;

struct Refusal {
  uint32_t operation;
  int err;
  std::string explanation;
};

struct BatchEdge {
  nlmsghdr header;
  nfgenmsg payload;
};

BatchEdge Edge(uint16_t type, uint32_t sequence) {
  BatchEdge edge{};
  edge.header.nlmsg_len = sizeof edge;
  edge.header.nlmsg_type = type;
  edge.header.nlmsg_flags = NLM_F_REQUEST;
  edge.header.nlmsg_seq = sequence;
  edge.payload.version = NFNETLINK_V0;
  edge.payload.res_id = htons(NFNL_SUBSYS_NFTABLES);
  return edge;
}

Result<> SetOption(int fd, int option, std::string_view name) {
  const int on = 1;
  if (::setsockopt(fd, SOL_NETLINK, option, &on, sizeof on) != 0) {
    return FailErrno("set {} on netfilter socket", name);
  }
  return {};
}

// Beyond the administrator's limit only with CAP_NET_ADMIN in the first user namespace, so a
// refusal is no error here: a batch that does not fit is refused when it is sent.
void ReserveSendBuffer(int fd, size_t bytes) {
  const int wanted = std::max(kMinBufferBytes, static_cast<int>(bytes) + 4096);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted);
}

// Only the last operation is acknowledged: of the others the kernel reports failures alone.
void AskForAcknowledgement(std::vector<std::byte>& batch) {
  std::byte* at = batch.data();
  std::byte* last = at;
  while (at < batch.data() + batch.size()) {
    last = at;
    uint32_t length = 0;
    std::memcpy(&length, at, sizeof length);  // nlmsg_len is nlmsghdr's first member
    at += NLMSG_ALIGN(length);
  }
  auto* header = reinterpret_cast<nlmsghdr*>(last);
  header->nlmsg_flags |= NLM_F_ACK;
}

std::span<const std::byte> PayloadOf(const nlmsghdr* message) {
  return {static_cast<const std::byte*>(NLMSG_DATA(message)),
          message->nlmsg_len - size_t{NLMSG_HDRLEN}};
}

// NETLINK_CAP_ACK is set: attributes follow the bare header of our message.
std::string Explanation(const nlmsghdr* message) {
  const auto payload = PayloadOf(message);
  const bool any = (message->nlmsg_flags & NLM_F_ACK_TLVS) != 0;
  if (!any || payload.size() < sizeof(nlmsgerr)) return {};
  return netlink::Attributes(payload.subspan(sizeof(nlmsgerr))).String(NLMSGERR_ATTR_MSG);
}

std::optional<Refusal> ReadRefusal(const nlmsghdr* message) {
  if (message->nlmsg_type != NLMSG_ERROR) return std::nullopt;
  const auto payload = PayloadOf(message);
  int32_t error = 0;  // nlmsgerr's first member
  if (payload.size() >= sizeof error) std::memcpy(&error, payload.data(), sizeof error);
  if (error == 0) return std::nullopt;
  return Refusal{message->nlmsg_seq, -error, Explanation(message)};
}

// Calls `visit` with each message of what was received, until it returns false.
template <class VisitMessage>
void ForEachMessage(const std::byte* buffer, ssize_t received, VisitMessage visit) {
  auto left = static_cast<uint32_t>(received);
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer); NLMSG_OK(message, left);) {
    if (!visit(message)) return;
    const uint32_t bytes = std::min<uint32_t>(NLMSG_ALIGN(message->nlmsg_len), left);
    message =
        reinterpret_cast<const nlmsghdr*>(reinterpret_cast<const std::byte*>(message) + bytes);
    left -= bytes;
  }
}

Error ToError(const Refusal& refusal, const std::vector<std::string>& operations) {
  const std::string what = refusal.operation < operations.size()
                               ? operations[refusal.operation]
                               : std::string("nftables transaction");
  if (refusal.explanation.empty()) return Error::FromErrno(refusal.err, what);
  return Error::FromErrno(refusal.err, fmt::format("{} ({})", what, refusal.explanation));
}

}  // namespace

NetfilterSocketReuse::NetfilterSocketReuse() {
  reuse = this;
}

NetfilterSocketReuse::~NetfilterSocketReuse() {
  reuse = nullptr;
}

NetfilterSocket::~NetfilterSocket() {
  if (reuse != nullptr && idle_ && fd_.valid()) reuse->fd_ = std::move(fd_);
}

Result<NetfilterSocket> NetfilterSocket::Open() {
  if (reuse != nullptr && reuse->fd_.valid()) return NetfilterSocket(std::move(reuse->fd_));
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!fd.valid()) return FailErrno("open netfilter socket");
  RETURN_IF_ERROR(SetOption(fd.get(), NETLINK_CAP_ACK, "NETLINK_CAP_ACK"));
  RETURN_IF_ERROR(SetOption(fd.get(), NETLINK_EXT_ACK, "NETLINK_EXT_ACK"));
  return NetfilterSocket(std::move(fd));
}

Result<> NetfilterSocket::Commit(std::span<const std::byte> messages,
                                 const std::vector<std::string>& operations) {
  std::vector<std::byte> batch(messages.begin(), messages.end());
  AskForAcknowledgement(batch);
  BatchEdge begin = Edge(NFNL_MSG_BATCH_BEGIN, kBeginSequence);
  BatchEdge end = Edge(NFNL_MSG_BATCH_END, kEndSequence);
  std::array<iovec, 3> parts{
      {{&begin, sizeof begin}, {batch.data(), batch.size()}, {&end, sizeof end}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ReserveSendBuffer(fd_.get(), batch.size());
  idle_ = false;
  if (::sendmsg(fd_.get(), &message, 0) < 0) {
    return FailErrno("send nftables transaction of {} bytes", batch.size());
  }

  // The kernel works within sendmsg(2), so every answer is here already. An answer that did not fit
  // (ENOBUFS) is of a failed transaction: a successful one has a single acknowledgement.
  std::optional<Refusal> first;
  bool acknowledged = false;
  bool overflow = false;
  alignas(nlmsghdr) std::array<std::byte, kReceiveBytes> buffer;
  for (;;) {
    const ssize_t received = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received < 0 && errno == ENOBUFS && !overflow) {
      overflow = true;
      continue;
    }
    if (received <= 0) break;
    ForEachMessage(buffer.data(), received, [&](const nlmsghdr* answer) {
      auto refusal = ReadRefusal(answer);
      if (!refusal) acknowledged = true;
      if (refusal && (!first || refusal->operation < first->operation)) first = std::move(refusal);
      return true;
    });
  }
  idle_ = true;
  if (first) return std::unexpected(ToError(*first, operations));
  if (!acknowledged || overflow) {
    return Fail(Code::kInternal, "nftables transaction: no answer from the kernel");
  }
  return {};
}

Result<> NetfilterSocket::Ask(const netlink::Request& request, const Visit& visit,
                              std::string_view what) {
  idle_ = false;
  const auto message = request.Finished(0);
  if (::send(fd_.get(), message.data(), message.size(), 0) < 0) return FailErrno("{}", what);
  return ReceiveAnswers(visit, what);
}

// Until the end of a dump, an acknowledgement or an error.
Result<> NetfilterSocket::ReceiveAnswers(const Visit& visit, std::string_view what) {
  alignas(nlmsghdr) std::array<std::byte, kReceiveBytes> buffer;
  bool interrupted = false;
  std::optional<Refusal> refusal;
  while (!idle_) {
    const ssize_t received = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return FailErrno("{}", what);
    ForEachMessage(buffer.data(), received, [&](const nlmsghdr* answer) {
      interrupted = interrupted || (answer->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      refusal = ReadRefusal(answer);
      idle_ = answer->nlmsg_type == NLMSG_DONE || answer->nlmsg_type == NLMSG_ERROR;
      if (idle_) return false;
      if (answer->nlmsg_type < NLMSG_MIN_TYPE) return true;
      const auto payload = PayloadOf(answer);
      visit(netlink::Attributes(payload.subspan(std::min(payload.size(), sizeof(nfgenmsg)))));
      return true;
    });
  }
  if (refusal) return std::unexpected(Error::FromErrno(refusal->err, what));
  if (interrupted) return Fail(Code::kAborted, "{}: changed while reading", what);
  return {};
}

}  // namespace trivet::nft
