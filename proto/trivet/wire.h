#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/error.h"

/// The binary encoding of the protocols between our own processes: little-endian
/// fixed-size integers; strings and lists carry a 32-bit length. One field list
/// per message serves both directions:
///
///   template <class Codec> void Fields(Codec& c, Ping& m) { c(m.id, m.text); }
///
/// A field that came with minor version 2 of its protocol is listed by
/// `c.Since(2, m.weight)`: it is not in a message of an earlier one, and is its
/// type's zero value then.
///
/// The peer of a socket may be another version or hostile: a Reader never reads
/// past the end and never allocates more than the bytes it was given could hold.
namespace trivet::wire {

/// All fields: for messages whose protocol has no minor versions, or between equals.
constexpr uint16_t kEveryMinor = 0xffff;

class Writer {
 public:
  explicit Writer(uint16_t minor = kEveryMinor) : minor_(minor) {}

  template <class... Members>
  void operator()(Members&... members) {
    (Put(members), ...);
  }
  template <class... Members>
  void Since(uint16_t minor, Members&... members) {
    if (minor_ >= minor) return (*this)(members...);
    const size_t before = bytes_.size();
    (Put(members), ...);
    // Nothing but zeros is what an absent field is taken for.
    lossless_ &= bytes_.find_first_not_of('\0', before) == std::string::npos;
    bytes_.resize(before);
  }
  /// False when a field that the minor version does not have was not its zero value.
  [[nodiscard]] bool lossless() const { return lossless_; }
  [[nodiscard]] std::string Take() && { return std::move(bytes_); }

 private:
  template <class T>
  void Put(T& member) {
    if constexpr (std::is_enum_v<T>) {
      Number(static_cast<uint64_t>(static_cast<std::underlying_type_t<T>>(member)), sizeof(T));
    } else if constexpr (std::is_integral_v<T>) {
      Number(static_cast<uint64_t>(member), sizeof(T));
    } else {
      Fields(*this, member);
    }
  }
  void Put(std::string& text) {
    Number(text.size(), sizeof(uint32_t));
    bytes_ += text;
  }
  template <class T>
  void Put(std::vector<T>& items) {
    Number(items.size(), sizeof(uint32_t));
    for (T& item : items) Put(item);
  }
  void Number(uint64_t number, size_t size) {
    for (size_t i = 0; i < size; ++i) bytes_ += static_cast<char>(number >> (8 * i));
  }

  uint16_t minor_;
  bool lossless_ = true;
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes, uint16_t minor = kEveryMinor)
      : minor_(minor), rest_(bytes) {}

  template <class... Members>
  void operator()(Members&... members) {
    (Get(members), ...);
  }
  template <class... Members>
  void Since(uint16_t minor, Members&... members) {
    if (minor_ >= minor) (*this)(members...);
  }
  /// False when the bytes ended too early; the members are then not to be used.
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  template <class T>
  void Get(T& member) {
    if constexpr (std::is_enum_v<T>) {
      member = static_cast<T>(static_cast<std::underlying_type_t<T>>(Number(sizeof(T))));
    } else if constexpr (std::is_same_v<T, bool>) {
      member = Number(1) != 0;
    } else if constexpr (std::is_integral_v<T>) {
      member = static_cast<T>(Number(sizeof(T)));
    } else {
      Fields(*this, member);
    }
  }
  void Get(std::string& text) {
    const uint64_t size = Number(sizeof(uint32_t));
    if (size > rest_.size()) return Stop();
    text = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  template <class T>
  void Get(std::vector<T>& items) {
    const uint64_t count = Number(sizeof(uint32_t));
    if (count > rest_.size()) return Stop();  // an item takes one byte at least
    items.clear();
    for (uint64_t i = 0; i < count && ok_; ++i) {
      items.emplace_back();
      Get(items.back());
    }
  }
  uint64_t Number(size_t size) {
    if (size > rest_.size()) {
      Stop();
      return 0;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < size; ++i) {
      number |= static_cast<uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    }
    rest_.remove_prefix(size);
    return number;
  }
  void Stop() {
    ok_ = false;
    rest_ = {};
  }

  uint16_t minor_;
  std::string_view rest_;
  bool ok_ = true;
};

template <class Message>
Writer Write(const Message& message, uint16_t minor) {
  Writer writer(minor);
  // A field list is shared by both directions, so it takes a mutable message; writing changes
  // nothing.
  Fields(writer, const_cast<Message&>(message));
  return writer;
}

/// As a peer of minor version `minor` reads it, without the fields that it does not have.
template <class Message>
std::string Encode(const Message& message, uint16_t minor = kEveryMinor) {
  return Write(message, minor).Take();
}

/// Errors: kUnimplemented when the message says what a peer of that version does not understand.
template <class Message>
Result<std::string> EncodeAll(const Message& message, uint16_t minor) {
  Writer writer = Write(message, minor);
  if (writer.lossless()) return std::move(writer).Take();
  return Fail(Code::kUnimplemented, "protocol version .{} cannot say what is asked", minor);
}

/// Errors: kInvalidArgument when the bytes end early or go on after the message.
template <class Message>
Result<Message> Decode(std::string_view bytes, uint16_t minor = kEveryMinor) {
  Message message{};
  Reader reader(bytes, minor);
  Fields(reader, message);
  if (!reader.ok()) {
    return Fail(Code::kInvalidArgument, "message of {} bytes ends early", bytes.size());
  }
  if (!reader.at_end()) {
    return Fail(Code::kInvalidArgument, "message of {} bytes goes on after its end", bytes.size());
  }
  return message;
}

/// A message that was left in a file by a program of this minor version or an earlier one.
/// Errors: those of Decode by `newest`.
template <class Message>
Result<Message> DecodeKept(std::string_view bytes, uint16_t newest) {
  auto message = Decode<Message>(bytes, newest);
  for (uint16_t minor = newest; !message && minor-- > 0;) {
    if (auto earlier = Decode<Message>(bytes, minor)) return earlier;
  }
  return message;
}

}  // namespace trivet::wire
