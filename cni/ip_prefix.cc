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

}  // namespace

Result<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string terminated(text);
  IpAddress address;
  // A NUL inside would hide what follows it from inet_pton.
  const bool whole = terminated.find('\0') == std::string::npos;
  if (whole && ::inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) return address;
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
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family(), bytes_.data(), text.data(), text.size());
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
