#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

/// netlink as this project speaks it: a request is built attribute by attribute, a socket executes
/// it and turns the kernel's answer, extended ACK text included, into a Result. RouteSocket is for
/// rtnetlink; that of nftables and connection tracking is in nftables_socket.h.
namespace trivet::netlink {

/// One message to the kernel, under construction.
/// Source: man 7 netlink, man 7 rtnetlink.
class Request {
 public:
  /// `type`: RTM_…; `flags`: NLM_F_… beyond NLM_F_REQUEST, which is always set.
  Request(uint16_t type, uint16_t flags);
  /// Attributes alone, for Fragment() of another.
  Request() = default;

  /// The family header (ifinfomsg, ifaddrmsg, rtmsg, ndmsg), at the start of the message or of a
  /// nest that wants one.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  Request& Struct(const T& header) {
    return Append(std::as_bytes(std::span(&header, 1)));
  }
  Request& U8(uint16_t attribute, uint8_t value);
  Request& U16(uint16_t attribute, uint16_t value);
  Request& U32(uint16_t attribute, uint32_t value);
  /// In network byte order, as netfilter has its numbers.
  Request& Big16(uint16_t attribute, uint16_t value);
  Request& Big32(uint16_t attribute, uint32_t value);
  Request& Big64(uint16_t attribute, uint64_t value);
  /// With the closing NUL that the kernel's NLA_STRING accepts and NLA_NUL_STRING wants.
  Request& String(uint16_t attribute, std::string_view value);
  Request& Bytes(uint16_t attribute, std::span<const std::byte> value);
  Request& Fragment(const Request& attributes) { return Append(attributes.bytes_); }
  /// `body` is called at once with this request and adds what is inside the nest.
  template <class Body>
  Request& Nest(uint16_t attribute, Body body) {
    const size_t start = OpenNest(attribute);
    body(*this);
    return CloseNest(start);
  }

  /// The message so far; its length and sequence number are not set yet.
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  /// The message as it is sent, with these flags more.
  [[nodiscard]] std::vector<std::byte> Finished(uint32_t sequence, uint16_t more_flags = 0) const;

 private:
  Request& Append(std::span<const std::byte> data);
  size_t OpenNest(uint16_t attribute);
  Request& CloseNest(size_t start);

  std::vector<std::byte> bytes_;
};

/// The value of one attribute of an answer; borrowed from the Message it came from. A value of
/// another size than asked for reads as absent.
class Attribute {
 public:
  explicit Attribute(std::span<const std::byte> value) : value_(value) {}
  [[nodiscard]] std::span<const std::byte> bytes() const { return value_; }
  [[nodiscard]] std::optional<uint8_t> U8() const;
  [[nodiscard]] std::optional<uint16_t> U16() const;
  [[nodiscard]] std::optional<uint32_t> U32() const;
  [[nodiscard]] std::optional<uint16_t> Big16() const;
  [[nodiscard]] std::optional<uint32_t> Big32() const;
  [[nodiscard]] std::string String() const;

 private:
  std::span<const std::byte> value_;
};

/// The attributes of an answer or of a nest in it; borrowed from the Message.
class Attributes {
 public:
  explicit Attributes(std::span<const std::byte> bytes);
  /// The last attribute of that type, as the kernel's own parser keeps it.
  [[nodiscard]] std::optional<Attribute> Find(uint16_t attribute) const;
  /// The attributes inside a nest; none when it is absent.
  [[nodiscard]] Attributes Nest(uint16_t attribute) const;
  [[nodiscard]] std::optional<uint32_t> U32(uint16_t attribute) const;
  [[nodiscard]] std::optional<uint32_t> Big32(uint16_t attribute) const;
  [[nodiscard]] std::string String(uint16_t attribute) const;
  /// All, as they come: by type, without the flags that are part of it.
  using Typed = std::pair<uint16_t, Attribute>;
  [[nodiscard]] const std::vector<Typed>& all() const { return attributes_; }

 private:
  std::vector<Typed> attributes_;
};

/// One message of the kernel's answer.
class Message {
 public:
  Message(uint16_t type, std::span<const std::byte> payload)
      : type_(type), payload_(payload.begin(), payload.end()) {}
  [[nodiscard]] uint16_t type() const { return type_; }
  /// The family header; zeros when the answer is shorter.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] T Header() const {
    T header{};
    if (payload_.size() >= sizeof header) CopyTo(&header, sizeof header);
    return header;
  }
  /// The attributes behind a family header of type T.
  template <class T>
  [[nodiscard]] Attributes AttributesAfter() const {
    return AttributesAfter(sizeof(T));
  }

 private:
  void CopyTo(void* out, size_t bytes) const;
  [[nodiscard]] Attributes AttributesAfter(size_t header_bytes) const;

  uint16_t type_;
  std::vector<std::byte> payload_;
};

/// A NETLINK_ROUTE socket. It stays in the network namespace it was opened in, whoever uses it
/// later. Not for two threads at once.
class RouteSocket {
 public:
  static Result<RouteSocket> Open();

  /// Sends `request` and waits for the kernel's ACK. `what` opens the error: "create veth a: File
  /// exists". Errors: the code of the kernel's errno; its extended ACK text is in the message.
  Result<> Execute(const Request& request, std::string_view what);
  /// Asks for one object. Errors: kNotFound when there is none.
  Result<Message> Query(const Request& request, std::string_view what);
  /// Asks for all objects that match; repeated when the kernel says that they changed meanwhile
  /// (NLM_F_DUMP_INTR). Errors: kAborted when they never stop changing.
  Result<std::vector<Message>> Dump(const Request& request, std::string_view what);

 private:
  struct Answer {
    std::vector<Message> messages;
    bool interrupted = false;
    bool complete = false;
  };
  explicit RouteSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<Answer> Exchange(const Request& request, uint16_t flags, std::string_view what);
  Result<> Receive(Answer& answer, std::string_view what);

  UniqueFd fd_;
  uint32_t sequence_ = 0;
};

}  // namespace trivet::netlink
