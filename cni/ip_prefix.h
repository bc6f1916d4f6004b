#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace trivet::cni {

/// One IPv4 or IPv6 address. Ordered by family, then by number.
class IpAddress {
 public:
  /// Dotted quad or RFC 4291 text. IPv4-mapped IPv6 is refused: no kernel interface here takes it.
  /// Errors: kInvalidArgument.
  static Result<IpAddress> Parse(std::string_view text);
  /// From 4 or 16 bytes in network order. Errors: kInvalidArgument for another length.
  static Result<IpAddress> FromBytes(std::span<const std::byte> bytes);

  [[nodiscard]] bool is_v4() const { return is_v4_; }
  /// AF_INET or AF_INET6.
  [[nodiscard]] uint8_t family() const;
  /// 4 or 16 bytes in network order; borrowed.
  [[nodiscard]] std::span<const std::byte> bytes() const;
  /// 32 or 128.
  [[nodiscard]] uint8_t bits() const { return is_v4_ ? 32 : 128; }
  /// RFC 5952 text, the same that host-local uses as a file name.
  [[nodiscard]] std::string ToString() const;

  /// The neighbours in number; the last one's Next() is all zeros.
  [[nodiscard]] IpAddress Next() const;
  [[nodiscard]] IpAddress Previous() const;
  /// The first `length` bits kept, the others set to `rest`.
  [[nodiscard]] IpAddress WithHostBits(uint8_t length, bool rest) const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool is_v4_ = true;
  std::array<std::byte, 16> bytes_{};
};

/// An address and the length of its network's prefix: "10.1.0.5/24".
struct IpPrefix {
  IpAddress address;
  uint8_t length = 0;

  /// Errors: kInvalidArgument.
  static Result<IpPrefix> Parse(std::string_view text);
  [[nodiscard]] std::string ToString() const;
  /// The same with the host bits cleared: "10.1.0.0/24".
  [[nodiscard]] IpPrefix Network() const;
  /// The highest address of the network: IPv4's broadcast address.
  [[nodiscard]] IpAddress Last() const;
  [[nodiscard]] bool Contains(const IpAddress& other) const;
  [[nodiscard]] bool Overlaps(const IpPrefix& other) const;
  /// 0.0.0.0/0 or ::/0.
  [[nodiscard]] bool IsDefault() const;

  bool operator==(const IpPrefix&) const = default;
};

}  // namespace trivet::cni
