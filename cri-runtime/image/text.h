#pragma once

#include <string>
#include <string_view>

namespace trivet::image {

inline bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

/// True when `text` has a byte below 32 or 127: never part of a name.
bool HasControlCharacter(std::string_view text);

/// `text` for an error message: control characters and bytes that are not ASCII
/// as \xHH, cut at 200 bytes. A name from an image must not reach a terminal as it is.
std::string Printable(std::string_view text);

}  // namespace trivet::image
