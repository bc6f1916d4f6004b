#include "cri-runtime/image/entry_path.h"

#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {
constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kMetaPrefix = ".wh..wh.";
constexpr size_t kMaxEntryBytes = 4095;  // PATH_MAX without its end
constexpr std::string_view kOpaqueName = ".wh..wh..opq";
}  // namespace

Result<EntryPath> EntryPath::Parse(std::string_view text, uint64_t depth) {
  if (text.size() > kMaxEntryBytes) {
    return Fail(Code::kInvalidArgument, "the path is too long: {} bytes", text.size());
  }
  EntryPath path;
  while (!text.empty()) {
    const size_t slash = text.find('/');
    const std::string_view part = text.substr(0, slash);
    text = slash == std::string_view::npos ? "" : text.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") return Fail(Code::kInvalidArgument, "the path has a '..'");
    if (path.parts.size() == depth) {
      return Fail(Code::kResourceExhausted, "the path is deeper than {}", depth);
    }
    path.parts.emplace_back(part);
  }
  return path;
}

std::string EntryPath::text() const {
  return parts.empty() ? "." : fmt::format("{}", fmt::join(parts, "/"));
}

EntryPath EntryPath::Parent() const {
  return {std::vector<std::string>(parts.begin(), parts.end() - 1)};
}

EntryPath EntryPath::operator/(const std::string& name) const {
  EntryPath below = *this;
  below.parts.push_back(name);
  return below;
}

Marker MarkerOf(std::string_view name) {
  if (name == kOpaqueName) return Marker::kOpaque;
  if (name.starts_with(kMetaPrefix)) return Marker::kIgnored;
  if (name.starts_with(kWhiteoutPrefix)) return Marker::kWhiteout;
  return Marker::kNone;
}

Result<std::string> WhitedOutName(std::string_view name) {
  const std::string_view gone = name.substr(kWhiteoutPrefix.size());
  if (gone.empty() || gone == "." || gone == "..") {
    return Fail(Code::kInvalidArgument, "'{}' is a whiteout of nothing", Printable(name));
  }
  return std::string(gone);
}

}  // namespace trivet::image
