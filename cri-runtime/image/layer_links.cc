#include "cri-runtime/image/layer_links.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <optional>

#include "cri-runtime/image/beneath.h"

namespace trivet::image {
namespace {

constexpr int kMaxLinks = 40;  // as path_resolution(7)

// The target of the symbolic link at `path`, whose folders are none.
Result<std::optional<std::string>> ReadLink(int root_fd, const EntryPath& path) {
  const UniqueFd fd = OpenBeneath(root_fd, path.text(), O_PATH | O_NOFOLLOW);
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return FailErrno("open '{}'", path.text());
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return FailErrno("stat '{}'", path.text());
  if (!S_ISLNK(info.st_mode)) return std::nullopt;
  std::string target(PATH_MAX, '\0');
  const ssize_t n = ::readlinkat(fd.get(), "", target.data(), target.size());
  if (n < 0) return FailErrno("read link '{}'", path.text());
  target.resize(static_cast<size_t>(n));
  return target;
}

// Puts the parts of a link's target before what is left to walk, the next of which is the last.
void Prepend(std::string_view target, std::vector<std::string>& left) {
  while (!target.empty()) {
    const size_t slash = target.rfind('/');
    const std::string_view part = target.substr(slash + 1);  // npos + 1 is 0
    if (!part.empty() && part != ".") left.emplace_back(part);
    target = slash == std::string_view::npos ? "" : target.substr(0, slash);
  }
}

}  // namespace

Result<EntryPath> FollowLinks(int root_fd, const EntryPath& path, uint64_t depth) {
  EntryPath real;
  std::vector<std::string> left(path.parts.rbegin(), path.parts.rend());
  for (int links = 0; !left.empty();) {
    const std::string part = std::move(left.back());
    left.pop_back();
    if (part == "..") {
      if (!real.is_root()) real.parts.pop_back();
      continue;
    }
    real.parts.push_back(part);
    ASSIGN_OR_RETURN(const auto target, ReadLink(root_fd, real));
    if (!target) continue;
    if (++links > kMaxLinks) {
      return Fail(Code::kInvalidArgument, "the path goes through more than {} symbolic links",
                  kMaxLinks);
    }
    real = target->starts_with('/') ? EntryPath() : real.Parent();
    Prepend(*target, left);
    if (real.parts.size() + left.size() >= depth) {
      return Fail(Code::kResourceExhausted, "the path is deeper than {} behind its symbolic links",
                  depth);
    }
  }
  return real;
}

}  // namespace trivet::image
