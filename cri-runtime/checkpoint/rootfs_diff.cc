#include "cri-runtime/checkpoint/rootfs_diff.h"

#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <string>
#include <utility>
#include <vector>

#include "common/linux/file.h"
#include "cri-runtime/checkpoint/tar_writer.h"

namespace trivet::checkpoint {
namespace {

constexpr std::string_view kOverlayAttribute = "trusted.overlay.";

int64_t OwnerInside(const sandbox::IdRange& range, int64_t id) {
  const int64_t inside = id - range.host_id;
  return inside >= 0 && inside < range.length ? inside : id;
}

// What overlayfs notes for itself is nothing of the file's.
void DropOverlayAttributes(archive_entry& entry) {
  std::vector<std::pair<std::string, std::string>> kept;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  archive_entry_xattr_reset(&entry);
  while (archive_entry_xattr_next(&entry, &name, &value, &size) == 0) {
    if (std::string_view(name).starts_with(kOverlayAttribute)) continue;
    kept.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  archive_entry_xattr_clear(&entry);
  for (const auto& [key, text] : kept) {
    archive_entry_xattr_add_entry(&entry, key.c_str(), text.data(), text.size());
  }
}

class DiffWriter {
 public:
  DiffWriter(TarWriter& tar, const std::optional<sandbox::UserNamespace>& user)
      : tar_(tar), user_(user) {}

  // `name` is empty for the root itself.
  Result<> AddFolder(const std::string& name, const std::filesystem::path& folder) {
    RETURN_IF_ERROR(AddAsItIs(name.empty() ? "." : name, folder));
    const std::string prefix = name.empty() ? name : name + "/";
    if (IsOpaque(folder)) RETURN_IF_ERROR(tar_.AddText(prefix + ".wh..wh..opq", ""));
    ASSIGN_OR_RETURN(const std::vector<std::string> children, ListDirectory(folder));
    for (const std::string& child : children) {
      RETURN_IF_ERROR(AddChild(prefix, child, folder / child));
    }
    return {};
  }

 private:
  Result<> AddChild(const std::string& prefix, const std::string& child,
                    const std::filesystem::path& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return FailErrno("stat {}", path.native());
    if (S_ISDIR(status.st_mode)) return AddFolder(prefix + child, path);
    const bool whiteout = S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
    if (whiteout) return tar_.AddText(prefix + ".wh." + child, "");
    return AddAsItIs(prefix + child, path);
  }

  Result<> AddAsItIs(const std::string& name, const std::filesystem::path& path) {
    return tar_.Add(name, path, [this](archive_entry& entry) {
      DropOverlayAttributes(entry);
      if (!user_) return;
      archive_entry_set_uid(&entry, OwnerInside(user_->uids, archive_entry_uid(&entry)));
      archive_entry_set_gid(&entry, OwnerInside(user_->gids, archive_entry_gid(&entry)));
    });
  }

  static bool IsOpaque(const std::filesystem::path& folder) {
    char value = 0;
    return ::lgetxattr(folder.c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
  }

  TarWriter& tar_;
  const std::optional<sandbox::UserNamespace>& user_;
};

}  // namespace

Result<> WriteRootfsDiff(const std::filesystem::path& upper,
                         const std::optional<sandbox::UserNamespace>& user,
                         const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(TarWriter tar, TarWriter::Create(file));
  RETURN_IF_ERROR(DiffWriter(tar, user).AddFolder("", upper));
  return tar.Finish();
}

}  // namespace trivet::checkpoint
