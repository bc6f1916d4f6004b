#include "cri-runtime/image/lower_folders.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include "cri-runtime/image/beneath.h"

namespace trivet::image {
namespace {

enum class Seen { kFolder, kLink, kNothing, kHidden };

struct Look {
  Seen seen = Seen::kNothing;
  UniqueFd folder;
};

bool IsOpaque(const UniqueFd& folder) {
  char value = 0;
  return ::fgetxattr(folder.get(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

// Walks down from the root, because any folder on the way may hide the layers below.
Result<Look> LookIn(const UniqueFd& root, const EntryPath& path) {
  Look look;
  bool opaque = false;
  EntryPath prefix;
  for (size_t i = 0;; ++i) {
    look.folder = OpenBeneath(root.get(), prefix.text(), O_RDONLY | O_DIRECTORY);
    if (!look.folder.valid()) {
      if (errno == ENOENT) return Look{opaque ? Seen::kHidden : Seen::kNothing, {}};
      // A whiteout, a file or a symbolic link is what the overlay shows here.
      if (errno == ELOOP && i == path.parts.size()) return Look{Seen::kLink, {}};
      if (errno == ENOTDIR || errno == ELOOP) return Look{Seen::kHidden, {}};
      return FailErrno("open lower folder {}", prefix.text());
    }
    opaque = opaque || IsOpaque(look.folder);
    if (i == path.parts.size()) break;
    prefix.parts.push_back(path.parts[i]);
  }
  look.seen = Seen::kFolder;
  return look;
}

}  // namespace

Result<LowerFolders> LowerFolders::Open(const std::vector<std::filesystem::path>& roots) {
  std::vector<UniqueFd> opened;
  for (const auto& root : roots) {
    UniqueFd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return FailErrno("open layer {}", root.native());
    opened.push_back(std::move(fd));
  }
  return LowerFolders(std::move(opened));
}

Result<LowerView> LowerFolders::Find(const EntryPath& path) const {
  for (const UniqueFd& root : roots_) {
    ASSIGN_OR_RETURN(const Look look, LookIn(root, path));
    if (look.seen == Seen::kNothing) continue;
    LowerView view{.is_link = look.seen == Seen::kLink};
    if (look.seen == Seen::kFolder) {
      ASSIGN_OR_RETURN(view.folder, ReadMetadata(look.folder.get()));
    }
    return view;
  }
  return LowerView{};
}

}  // namespace trivet::image
