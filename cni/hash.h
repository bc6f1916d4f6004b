#pragma once

#include <cstdint>
#include <string_view>

namespace trivet::cni {

/// FNV-1a with 64 bits and a final mix (MurmurHash3's), so that the high bits are good too. The
/// same in every version of trivet: names of kernel objects are made from it.
constexpr uint64_t Hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace trivet::cni
