#include "cni/ip_prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace trivet::cni {
namespace {

constexpr size_t kV4Bytes = 4;

bool IsV4Mapped(const std::array<std::byte, 16>& bytes) {
  constexpr size_t kZeros = 10;
  return std::all_of(bytes.begin(), bytes.begin() + kZeros,
                     [](std::byte b) { return b == std::byte{0}; }) &&
         bytes[kZeros] == std::byte{0xff} && bytes[kZeros + 1] == std::byte{0xff};
}

// As inet_pton and inet_ntop do; but each call of the C library from another part of it costs a
// start of the plugin 64 KiB of mapped pages, and nearly every address is of this kind.
bool ParseDottedQuad(std::string_view text, std::array<std::byte, 16>& bytes) {
  std::array<std::byte, kV4Bytes> quad{};
  for (size_t i = 0; i < quad.size(); ++i) {
    if (i > 0 && !text.starts_with('.')) return false;
    if (i > 0) text.remove_prefix(1);
    uint8_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto digits = static_cast<size_t>(end - text.data());
    if (error != std::errc() || (digits > 1 && text.front() == '0')) return false;
    quad[i] = static_cast<std::byte>(value);
    text.remove_prefix(digits);
  }
  if (!text.empty()) return false;
  std::copy(quad.begin(), quad.end(), bytes.begin());
  return true;
}

std::string FormatDottedQuad(const std::array<std::byte, 16>& bytes) {
  const auto part = [&](size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  return fmt::format("{}.{}.{}.{}", part(0), part(1), part(2), part(3));
}

}  // namespace

Result<IpAddress> IpAddress::Parse(std::string_view text) {
  IpAddress address;
  if (ParseDottedQuad(text, address.bytes_)) return address;
  const std::string terminated(text);
  // A NUL inside would hide what follows it from inet_pton.
  const bool whole = terminated.find('\0') == std::string::npos;
  if (whole && ::inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1 &&
      !IsV4Mapped(address.bytes_)) {
    address.is_v4_ = false;
    return address;
  }
  return Fail(Code::kInvalidArgument, "'{}' is not an IP address", text);
}

Result<IpAddress> IpAddress::FromBytes(std::span<const std::byte> bytes) {
  IpAddress address;
  if (bytes.size() != kV4Bytes && bytes.size() != address.bytes_.size()) {
    return Fail(Code::kInvalidArgument, "{} bytes are not an IP address", bytes.size());
  }
  address.is_v4_ = bytes.size() == kV4Bytes;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

uint8_t IpAddress::family() const {
  return is_v4_ ? AF_INET : AF_INET6;
}

std::span<const std::byte> IpAddress::bytes() const {
  return std::span(bytes_).first(is_v4_ ? kV4Bytes : bytes_.size());
}

std::string IpAddress::ToString() const {
  if (is_v4_) return FormatDottedQuad(bytes_);
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

IpAddress IpAddress::Next() const {
  IpAddress next = *this;
  for (size_t i = bytes().size(); i-- > 0;) {
    next.bytes_[i] = static_cast<std::byte>(std::to_integer<unsigned>(next.bytes_[i]) + 1U);
    if (next.bytes_[i] != std::byte{0}) break;
  }
  return next;
}

IpAddress IpAddress::Previous() const {
  IpAddress previous = *this;
  for (size_t i = bytes().size(); i-- > 0;) {
    const bool borrow = previous.bytes_[i] == std::byte{0};
    previous.bytes_[i] = static_cast<std::byte>(std::to_integer<unsigned>(previous.bytes_[i]) - 1U);
    if (!borrow) break;
  }
  return previous;
}

IpAddress IpAddress::WithHostBits(uint8_t length, bool rest) const {
  IpAddress masked = *this;
  for (unsigned bit = length; bit < bits(); ++bit) {
    const auto mask = static_cast<std::byte>(0x80U >> (bit % 8));
    std::byte& byte = masked.bytes_[bit / 8];
    byte = rest ? byte | mask : byte & ~mask;
  }
  return masked;
}

Result<IpPrefix> IpPrefix::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return Fail(Code::kInvalidArgument, "'{}' is not an address with a prefix length", text);
  }
  IpPrefix prefix;
  ASSIGN_OR_RETURN(prefix.address, IpAddress::Parse(text.substr(0, slash)));
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), prefix.length);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      prefix.length > prefix.address.bits()) {
    return Fail(Code::kInvalidArgument, "'{}' has no prefix length from 0 to {}", text,
                prefix.address.bits());
  }
  return prefix;
}

std::string IpPrefix::ToString() const {
  return fmt::format("{}/{}", address.ToString(), length);
}

IpPrefix IpPrefix::Network() const {
  return {address.WithHostBits(length, false), length};
}

IpAddress IpPrefix::Last() const {
  return address.WithHostBits(length, true);
}

bool IpPrefix::Contains(const IpAddress& other) const {
  return other.is_v4() == address.is_v4() &&
         other.WithHostBits(length, false) == address.WithHostBits(length, false);
}

bool IpPrefix::Overlaps(const IpPrefix& other) const {
  return Contains(other.address) || other.Contains(address);
}

bool IpPrefix::IsDefault() const {
  return length == 0;
}

}  // namespace trivet::cni
