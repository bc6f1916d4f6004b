#include "cri-runtime/systemd/unit_name.h"

#include <algorithm>
#include <cctype>

namespace trivet::systemd {
namespace {

constexpr std::string_view kSlice = ".slice";
constexpr std::string_view kScope = ".scope";
constexpr size_t kMaxName = 255;  // UNIT_NAME_MAX is 256 with its end

bool IsOfUnitName(unsigned char c) {
  return std::isalnum(c) != 0 ||
         std::string_view("-_.:\\").find(static_cast<char>(c)) != std::string_view::npos;
}

}  // namespace

Result<std::string> ExpandSlice(std::string_view slice) {
  const auto bad = [&] {
    return Fail(Code::kInvalidArgument, "\"{}\" is no slice of systemd's", slice.substr(0, 256));
  };
  if (!IsSlice(slice) || slice.size() > kMaxName) return bad();
  const std::string_view name = slice.substr(0, slice.size() - kSlice.size());
  if (name == "-") return std::string();
  if (!std::ranges::all_of(name, IsOfUnitName) || name.starts_with('-') || name.ends_with('-') ||
      name.find("--") != std::string_view::npos) {
    return bad();
  }
  std::string path;
  for (size_t dash = 0; dash != std::string_view::npos;) {
    dash = name.find('-', dash + 1);
    path += '/';
    path += name.substr(0, dash);
    path += kSlice;
  }
  return path;
}

Result<std::string> GroupOfSlice(std::string_view parent) {
  const size_t slash = parent.rfind('/');
  const bool is_path = slash != std::string_view::npos;
  ASSIGN_OR_RETURN(std::string group, ExpandSlice(is_path ? parent.substr(slash + 1) : parent));
  if (is_path && group != parent) {
    return Fail(Code::kInvalidArgument, "\"{}\" is not where systemd has this slice: {}", parent,
                group);
  }
  return group;
}

std::string UnitOf(const std::string& group) {
  return group.substr(group.rfind('/') + 1);
}

bool IsSlice(std::string_view unit) {
  return unit.ends_with(kSlice) && unit.size() > kSlice.size();
}

bool IsScope(std::string_view unit) {
  return unit.ends_with(kScope) && unit.size() > kScope.size();
}

}  // namespace trivet::systemd
