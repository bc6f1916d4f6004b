#include "cri-runtime/image/user.h"

#include <algorithm>
#include <charconv>

#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

constexpr uint32_t kMaxId = 2147483647;  // the kernel takes more, -1 means "unchanged" to it
constexpr size_t kMaxNameBytes = 255;

// useradd's letters. What cannot be a name may look like a number to somebody: "+0", "0x0", " 0".
bool IsName(std::string_view text) {
  const auto is_word = [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return text.size() <= kMaxNameBytes && is_word(text.front()) &&
         std::ranges::all_of(text, [&](char c) {
           return is_word(c) || c == '.' || c == '-' || c == '@' || c == '$';
         });
}

Result<> ParsePart(std::string_view text, std::optional<uint32_t>& number, std::string& name) {
  if (std::ranges::all_of(text, IsDigit)) {
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value > kMaxId) {
      return Fail(Code::kInvalidArgument, "'{}' is above {}", Printable(text), kMaxId);
    }
    number = value;
    return {};
  }
  if (!IsName(text)) {
    return Fail(Code::kInvalidArgument, "'{}' is neither a number nor a user name",
                Printable(text));
  }
  name = text;
  return {};
}

}  // namespace

Result<User> ParseUser(std::string_view text) {
  User user;
  if (text.empty()) return user;
  const size_t colon = text.find(':');
  const std::string_view first = text.substr(0, colon);
  if (first.empty()) return Fail(Code::kInvalidArgument, "'{}' has no user", Printable(text));
  RETURN_IF_ERROR(ParsePart(first, user.uid, user.username));
  if (colon == std::string_view::npos) return user;
  const std::string_view second = text.substr(colon + 1);
  if (second.empty()) return Fail(Code::kInvalidArgument, "'{}' has no group", Printable(text));
  RETURN_IF_ERROR(ParsePart(second, user.gid, user.group), "group");
  return user;
}

}  // namespace trivet::image
