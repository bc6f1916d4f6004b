#include "common/linux/selinux_label.h"

#include <algorithm>

namespace trivet::selinux {
namespace {

// Up to and without the next colon, which is dropped, too.
std::string_view TakePart(std::string_view& text) {
  const size_t colon = text.find(':');
  const std::string_view part = text.substr(0, colon);
  text = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  return part;
}

Result<> CheckPart(std::string_view name, std::string_view part, bool may_have_colons) {
  constexpr size_t kMaxBytes = 255;  // of a value that fsconfig takes
  const bool plain = part.size() <= kMaxBytes && std::ranges::all_of(part, [&](unsigned char c) {
                       return c > ' ' && c < 0x7f && c != '"' && (may_have_colons || c != ':');
                     });
  if (plain) return {};
  return Fail(Code::kInvalidArgument, "{}: unexpected \"{}\"", name, part.substr(0, kMaxBytes));
}

}  // namespace

Result<Label> ParseLabel(std::string_view text) {
  std::string_view rest = text;
  Label label;
  label.user = TakePart(rest);
  label.role = TakePart(rest);
  label.type = TakePart(rest);
  label.level = rest;
  if (label.user.empty() || label.role.empty() || label.type.empty()) {
    return Fail(Code::kInvalidArgument, "\"{}\" is no SELinux label", text);
  }
  return label;
}

std::string TextOf(const Label& label) {
  if (label.empty()) return "";
  std::string text = label.user + ':' + label.role + ':' + label.type;
  if (!label.level.empty()) text += ':' + label.level;
  return text;
}

Label Override(const Label& base, const Label& options) {
  Label label = base;
  if (!options.user.empty()) label.user = options.user;
  if (!options.role.empty()) label.role = options.role;
  if (!options.type.empty()) label.type = options.type;
  if (!options.level.empty()) label.level = options.level;
  return label;
}

Result<> CheckParts(const Label& options) {
  RETURN_IF_ERROR(CheckPart("user", options.user, false));
  RETURN_IF_ERROR(CheckPart("role", options.role, false));
  RETURN_IF_ERROR(CheckPart("type", options.type, false));
  return CheckPart("level", options.level, true);
}

}  // namespace trivet::selinux
