#include "cri-runtime/image/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace trivet::image {
namespace {
bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 32 || c == 127;
}
}  // namespace

bool HasControlCharacter(std::string_view text) {
  return std::ranges::any_of(text, IsControl);
}

std::string Printable(std::string_view text) {
  constexpr size_t kShown = 200;
  std::string shown;
  for (const char c : text.substr(0, kShown)) {
    if (IsControl(c) || static_cast<unsigned char>(c) > 127) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      shown += c;
    }
  }
  if (text.size() > kShown) shown += "...";
  return shown;
}

}  // namespace trivet::image
