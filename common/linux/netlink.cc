#include "common/linux/netlink.h"

#include <endian.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace trivet::netlink {
namespace {

// The kernel fills dump messages up to 32 KiB for readers that offer it (netlink_dump).
constexpr size_t kReceiveBytes = 32768;
constexpr int kDumpAttempts = 16;

template <class T>
std::optional<T> ReadAs(std::span<const std::byte> bytes) {
  if (bytes.size() != sizeof(T)) return std::nullopt;
  T value{};
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

Result<> SetOption(int fd, int option, std::string_view name) {
  const int on = 1;
  if (::setsockopt(fd, SOL_NETLINK, option, &on, sizeof on) != 0) {
    return FailErrno("set {} on netlink socket", name);
  }
  return {};
}

// NETLINK_CAP_ACK is set, so the extended ACK's attributes follow the bare header of our request.
std::string ExtendedAckText(std::span<const std::byte> payload) {
  if (payload.size() <= sizeof(nlmsgerr)) return {};
  return Attributes(payload.subspan(sizeof(nlmsgerr))).String(NLMSGERR_ATTR_MSG);
}

Error KernelError(int err, std::string_view what, const std::string& explanation) {
  if (explanation.empty()) return Error::FromErrno(err, what);
  return Error::FromErrno(err, fmt::format("{} ({})", what, explanation));
}

}  // namespace

Request::Request(uint16_t type, uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
  Struct(header);
}

Request& Request::Append(std::span<const std::byte> data) {
  bytes_.insert(bytes_.end(), data.begin(), data.end());
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  return *this;
}

Request& Request::Bytes(uint16_t attribute, std::span<const std::byte> value) {
  const nlattr header{static_cast<uint16_t>(NLA_HDRLEN + value.size()), attribute};
  return Struct(header).Append(value);
}

Request& Request::U8(uint16_t attribute, uint8_t value) {
  return Bytes(attribute, std::as_bytes(std::span(&value, 1)));
}

Request& Request::U16(uint16_t attribute, uint16_t value) {
  return Bytes(attribute, std::as_bytes(std::span(&value, 1)));
}

Request& Request::U32(uint16_t attribute, uint32_t value) {
  return Bytes(attribute, std::as_bytes(std::span(&value, 1)));
}

Request& Request::Big16(uint16_t attribute, uint16_t value) {
  return U16(attribute, htobe16(value));
}

Request& Request::Big32(uint16_t attribute, uint32_t value) {
  return U32(attribute, htobe32(value));
}

Request& Request::Big64(uint16_t attribute, uint64_t value) {
  const uint64_t big = htobe64(value);
  return Bytes(attribute, std::as_bytes(std::span(&big, 1)));
}

Request& Request::String(uint16_t attribute, std::string_view value) {
  const std::string text(value);
  return Bytes(attribute, std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

size_t Request::OpenNest(uint16_t attribute) {
  const size_t start = bytes_.size();
  Struct(nlattr{0, static_cast<uint16_t>(attribute | NLA_F_NESTED)});
  return start;
}

Request& Request::CloseNest(size_t start) {
  const auto length = static_cast<uint16_t>(bytes_.size() - start);
  std::memcpy(bytes_.data() + start, &length, sizeof length);  // nla_len is nlattr's first member
  return *this;
}

std::vector<std::byte> Request::Finished(uint32_t sequence, uint16_t more_flags) const {
  std::vector<std::byte> bytes = bytes_;
  nlmsghdr header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(bytes.size());
  header.nlmsg_flags = static_cast<uint16_t>(header.nlmsg_flags | more_flags);
  header.nlmsg_seq = sequence;
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

std::optional<uint8_t> Attribute::U8() const {
  return ReadAs<uint8_t>(value_);
}

std::optional<uint16_t> Attribute::U16() const {
  return ReadAs<uint16_t>(value_);
}

std::optional<uint32_t> Attribute::U32() const {
  return ReadAs<uint32_t>(value_);
}

std::optional<uint16_t> Attribute::Big16() const {
  const auto big = U16();
  return big ? std::optional(be16toh(*big)) : std::nullopt;
}

std::optional<uint32_t> Attribute::Big32() const {
  const auto big = U32();
  return big ? std::optional(be32toh(*big)) : std::nullopt;
}

std::string Attribute::String() const {
  const auto* text = reinterpret_cast<const char*>(value_.data());
  return {text, ::strnlen(text, value_.size())};
}

Attributes::Attributes(std::span<const std::byte> bytes) {
  while (bytes.size() >= NLA_HDRLEN) {
    nlattr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes.size()) return;
    const auto type = static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK);
    attributes_.emplace_back(type, bytes.subspan(NLA_HDRLEN, header.nla_len - size_t{NLA_HDRLEN}));
    bytes = bytes.subspan(std::min<size_t>(NLA_ALIGN(header.nla_len), bytes.size()));
  }
}

std::optional<Attribute> Attributes::Find(uint16_t attribute) const {
  for (auto it = attributes_.rbegin(); it != attributes_.rend(); ++it) {
    if (it->first == attribute) return it->second;
  }
  return std::nullopt;
}

Attributes Attributes::Nest(uint16_t attribute) const {
  const auto found = Find(attribute);
  return Attributes(found ? found->bytes() : std::span<const std::byte>());
}

std::optional<uint32_t> Attributes::U32(uint16_t attribute) const {
  const auto found = Find(attribute);
  return found ? found->U32() : std::nullopt;
}

std::optional<uint32_t> Attributes::Big32(uint16_t attribute) const {
  const auto found = Find(attribute);
  return found ? found->Big32() : std::nullopt;
}

std::string Attributes::String(uint16_t attribute) const {
  const auto found = Find(attribute);
  return found ? found->String() : std::string();
}

void Message::CopyTo(void* out, size_t bytes) const {
  std::memcpy(out, payload_.data(), bytes);
}

Attributes Message::AttributesAfter(size_t header_bytes) const {
  const size_t start = std::min<size_t>(NLMSG_ALIGN(header_bytes), payload_.size());
  return Attributes(std::span(payload_).subspan(start));
}

Result<RouteSocket> RouteSocket::Open() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.valid()) return FailErrno("open netlink socket");
  RETURN_IF_ERROR(SetOption(fd.get(), NETLINK_EXT_ACK, "NETLINK_EXT_ACK"));
  RETURN_IF_ERROR(SetOption(fd.get(), NETLINK_CAP_ACK, "NETLINK_CAP_ACK"));
  // Without it the kernel ignores a dump's filter (one interface's addresses) and sends everything.
  RETURN_IF_ERROR(SetOption(fd.get(), NETLINK_GET_STRICT_CHK, "NETLINK_GET_STRICT_CHK"));
  return RouteSocket(std::move(fd));
}

Result<> RouteSocket::Execute(const Request& request, std::string_view what) {
  RETURN_IF_ERROR(Exchange(request, NLM_F_ACK, what));
  return {};
}

Result<Message> RouteSocket::Query(const Request& request, std::string_view what) {
  ASSIGN_OR_RETURN(Answer answer, Exchange(request, NLM_F_ACK, what));
  if (answer.messages.empty()) return Fail(Code::kNotFound, "{}: no answer", what);
  return std::move(answer.messages.front());
}

Result<std::vector<Message>> RouteSocket::Dump(const Request& request, std::string_view what) {
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    ASSIGN_OR_RETURN(Answer answer, Exchange(request, NLM_F_DUMP, what));
    if (!answer.interrupted) return std::move(answer.messages);
  }
  return Fail(Code::kAborted, "{}: changed during each of {} readings", what, kDumpAttempts);
}

Result<RouteSocket::Answer> RouteSocket::Exchange(const Request& request, uint16_t flags,
                                                  std::string_view what) {
  const std::vector<std::byte> bytes = request.Finished(++sequence_, flags);
  if (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) return FailErrno("{}: send", what);

  Answer answer;
  while (!answer.complete) RETURN_IF_ERROR(Receive(answer, what));
  return answer;
}

Result<> RouteSocket::Receive(Answer& answer, std::string_view what) {
  alignas(nlmsghdr) std::array<std::byte, kReceiveBytes> buffer;
  ssize_t received = -1;
  do {
    received = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return FailErrno("{}: receive", what);
  if (static_cast<size_t>(received) > buffer.size()) {
    return Fail(Code::kInternal, "{}: answer of {} bytes", what, received);
  }

  auto left = static_cast<uint32_t>(received);
  for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
       header = NLMSG_NEXT(header, left)) {
    if (header->nlmsg_seq != sequence_) continue;  // of a request that was given up
    if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) answer.interrupted = true;
    const std::span payload(static_cast<const std::byte*>(NLMSG_DATA(header)),
                            header->nlmsg_len - size_t{NLMSG_HDRLEN});
    if (header->nlmsg_type != NLMSG_ERROR && header->nlmsg_type != NLMSG_DONE) {
      answer.messages.emplace_back(header->nlmsg_type, payload);
      continue;
    }
    answer.complete = true;
    int32_t error = 0;  // both kinds open with a negative errno or zero
    if (payload.size() >= sizeof error) std::memcpy(&error, payload.data(), sizeof error);
    if (error < 0) return std::unexpected(KernelError(-error, what, ExtendedAckText(payload)));
  }
  return {};
}

}  // namespace trivet::netlink
