#include "common/linux/nftables_socket.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

namespace trivet::nft {
namespace {

constexpr size_t kReceiveBytes = 65536;
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
void AskForAcknowledgement(std::vector<char>& batch) {
  char* at = batch.data();
  char* last = at;
  while (at < batch.data() + batch.size()) {
    last = at;
    uint32_t length = 0;
    std::memcpy(&length, at, sizeof length);  // nlmsg_len is nlmsghdr's first member
    at += NLMSG_ALIGN(length);
  }
  auto* header = reinterpret_cast<nlmsghdr*>(last);
  header->nlmsg_flags |= NLM_F_ACK;
}

std::string Explanation(const nlmsghdr* message) {
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
  std::string text;
  // NETLINK_CAP_ACK is set: attributes follow the bare header of our message.
  auto visit = [](const nlattr* attribute, void* out) {
    if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG) {
      *static_cast<std::string*>(out) = mnl_attr_get_str(attribute);
    }
    return MNL_CB_OK;
  };
  if (message->nlmsg_flags & NLM_F_ACK_TLVS) {
    mnl_attr_parse(message, sizeof *error, visit, &text);
  }
  return text;
}

std::optional<Refusal> ReadRefusal(const nlmsghdr* message) {
  if (message->nlmsg_type != NLMSG_ERROR) return std::nullopt;
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
  if (error->error == 0) return std::nullopt;
  return Refusal{message->nlmsg_seq, -error->error, Explanation(message)};
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

Result<> NetfilterSocket::Commit(std::span<const char> messages,
                                 const std::vector<std::string>& operations) {
  std::vector<char> batch(messages.begin(), messages.end());
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
  const auto buffer = std::make_unique_for_overwrite<char[]>(kReceiveBytes);
  for (;;) {
    const ssize_t received = ::recv(fd_.get(), buffer.get(), kReceiveBytes, MSG_DONTWAIT);
    if (received < 0 && errno == ENOBUFS && !overflow) {
      overflow = true;
      continue;
    }
    if (received <= 0) break;
    int left = static_cast<int>(received);
    for (auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.get()); mnl_nlmsg_ok(answer, left);
         answer = mnl_nlmsg_next(answer, &left)) {
      auto refusal = ReadRefusal(answer);
      if (!refusal) acknowledged = true;
      if (refusal && (!first || refusal->operation < first->operation)) first = std::move(refusal);
    }
  }
  idle_ = true;
  if (first) return std::unexpected(ToError(*first, operations));
  if (!acknowledged || overflow) {
    return Fail(Code::kInternal, "nftables transaction: no answer from the kernel");
  }
  return {};
}

Result<> NetfilterSocket::Ask(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& visit,
                              std::string_view what) {
  idle_ = false;
  if (::send(fd_.get(), request, request->nlmsg_len, 0) < 0) return FailErrno("{}", what);
  return ReceiveAnswers(visit, what);
}

// Until the end of a dump, an acknowledgement or an error.
Result<> NetfilterSocket::ReceiveAnswers(const std::function<void(const nlmsghdr*)>& visit,
                                         std::string_view what) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kReceiveBytes);
  bool interrupted = false;
  for (;;) {
    const ssize_t received = ::recv(fd_.get(), buffer.get(), kReceiveBytes, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return FailErrno("{}", what);
    int left = static_cast<int>(received);
    for (auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.get()); mnl_nlmsg_ok(answer, left);
         answer = mnl_nlmsg_next(answer, &left)) {
      if (auto refusal = ReadRefusal(answer)) {
        idle_ = true;
        return std::unexpected(Error::FromErrno(refusal->err, what));
      }
      interrupted = interrupted || (answer->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (answer->nlmsg_type == NLMSG_DONE || answer->nlmsg_type == NLMSG_ERROR) {
        idle_ = true;
        if (interrupted) return Fail(Code::kAborted, "{}: changed while reading", what);
        return {};
      }
      if (answer->nlmsg_type >= NLMSG_MIN_TYPE) visit(answer);
    }
  }
}

}  // namespace trivet::nft
