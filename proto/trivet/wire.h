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
/// The peer of a socket may be another version or hostile: a Reader never reads
/// past the end and never allocates more than the bytes it was given could hold.
namespace trivet::wire {

class Writer {
 public:
  template <class... Members>
  void operator()(Members&... members) {
    (Put(members), ...);
  }
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

  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class... Members>
  void operator()(Members&... members) {
    (Get(members), ...);
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

  std::string_view rest_;
  bool ok_ = true;
};

template <class Message>
std::string Encode(const Message& message) {
  Writer writer;
  // A field list is shared by both directions, so it takes a mutable message; writing changes
  // nothing.
  Fields(writer, const_cast<Message&>(message));
  return std::move(writer).Take();
}

/// Errors: kInvalidArgument when the bytes end early or go on after the message.
template <class Message>
Result<Message> Decode(std::string_view bytes) {
  Message message{};
  Reader reader(bytes);
  Fields(reader, message);
  if (!reader.ok()) {
    return Fail(Code::kInvalidArgument, "message of {} bytes ends early", bytes.size());
  }
  if (!reader.at_end()) {
    return Fail(Code::kInvalidArgument, "message of {} bytes goes on after its end", bytes.size());
  }
  return message;
}

}  // namespace trivet::wire
