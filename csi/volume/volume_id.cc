#include "csi/volume/volume_id.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace trivet::csi {
namespace {

constexpr std::string_view kVolume = "v-";
constexpr std::string_view kSnapshot = "s-";
constexpr std::string_view kGroup = "g-";
constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";  // RFC 4648, lower case
constexpr size_t kHashBytes = 20;
constexpr size_t kHashCharacters = kHashBytes * 8 / 5;
constexpr size_t kMaxNameBytes = 128;

std::string Base32(std::span<const uint8_t> bytes) {
  std::string text;
  uint32_t buffer = 0;
  int bits = 0;
  for (const uint8_t byte : bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += kAlphabet[(buffer >> bits) & 31];
    }
  }
  return text;
}

// The length of the UTF-8 sequence at the front of `text`, or 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  const size_t length = first < 0x80             ? 1
                        : (first & 0xE0) == 0xC0 ? 2
                        : (first & 0xF0) == 0xE0 ? 3
                        : (first & 0xF8) == 0xF0 ? 4
                                                 : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<uint8_t>(text[i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// U+0000-0008, 000B, 000C, 000E-001F and 007F-009F.
bool IsBanned(std::string_view sequence) {
  const auto first = static_cast<uint8_t>(sequence[0]);
  if (sequence.size() == 1) {
    return first == 0x7F || (first < 0x20 && first != '\t' && first != '\n' && first != '\r');
  }
  return sequence.size() == 2 && first == 0xC2 && static_cast<uint8_t>(sequence[1]) < 0xA0;
}

std::string IdOf(std::string_view prefix, std::string_view name) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(name.data(), name.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return std::string(prefix) + Base32(std::span(digest).first(kHashBytes));
}

bool IsId(std::string_view prefix, std::string_view id) {
  if (!id.starts_with(prefix) || id.size() != prefix.size() + kHashCharacters) return false;
  return id.find_first_not_of(kAlphabet, prefix.size()) == std::string_view::npos;
}

}  // namespace

std::string VolumeIdOf(std::string_view name) {
  return IdOf(kVolume, name);
}
bool IsVolumeId(std::string_view id) {
  return IsId(kVolume, id);
}

std::string SnapshotIdOf(std::string_view name) {
  return IdOf(kSnapshot, name);
}
bool IsSnapshotId(std::string_view id) {
  return IsId(kSnapshot, id);
}

std::string GroupIdOf(std::string_view name) {
  return IdOf(kGroup, name);
}
bool IsGroupId(std::string_view id) {
  return IsId(kGroup, id);
}

Result<> CheckName(std::string_view name) {
  if (name.empty()) return Fail(Code::kInvalidArgument, "name: missing");
  if (name.size() > kMaxNameBytes) {
    return Fail(Code::kInvalidArgument, "name: {} bytes, more than {}", name.size(), kMaxNameBytes);
  }
  for (std::string_view rest = name; !rest.empty();) {
    const size_t length = SequenceLength(rest);
    if (length == 0) return Fail(Code::kInvalidArgument, "name: not UTF-8");
    if (IsBanned(rest.substr(0, length))) {
      return Fail(Code::kInvalidArgument, "name: control character at byte {}",
                  name.size() - rest.size());
    }
    rest.remove_prefix(length);
  }
  return {};
}

}  // namespace trivet::csi
