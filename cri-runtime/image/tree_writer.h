#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "cri-runtime/image/entry_path.h"
#include "cri-runtime/image/limits.h"
#include "cri-runtime/image/lower_folders.h"
#include "cri-runtime/image/metadata.h"

namespace trivet::image {

struct Device {
  bool is_block = false;
  unsigned major = 0;  // 12 bits
  unsigned minor = 0;  // 20 bits
};

/// Builds the folder of one layer. Whatever the names are, nothing outside the
/// folder is touched: symbolic links of the layer on the way to an entry are followed by
/// FollowLinks, parents are opened beneath the folder without following any, and every object is
/// created exclusively by its last name in its parent.
///
/// Errors of all: kInvalidArgument for a path that goes through a file or links in a circle,
/// kAlreadyExists for a name that the layer has brought already, kResourceExhausted for more
/// folders, or more paths to remember, than the limits allow.
class TreeWriter {
 public:
  /// `root` must be an empty folder; `lower` are the layers below, highest first.
  static Result<TreeWriter> Open(const std::filesystem::path& root,
                                 const std::vector<std::filesystem::path>& lower,
                                 const Limits& limits);

  /// A folder may come again: its last metadata stay.
  Result<> AddFolder(const EntryPath& path, const Metadata& metadata);
  /// The file is open for writing; SealFile gives it its metadata when the content is in.
  Result<UniqueFd> AddFile(const EntryPath& path);
  Result<> SealFile(const UniqueFd& file, const Metadata& metadata);
  Result<> AddSymlink(const EntryPath& path, const std::string& target, const Metadata& metadata);
  /// `target` must be a file or symbolic link that this layer has brought already.
  Result<> AddHardLink(const EntryPath& path, const EntryPath& target);
  Result<> AddFifo(const EntryPath& path, const Metadata& metadata);
  /// Not a whiteout's number. Its extended attributes are dropped, as those of a symbolic link.
  /// Errors: kPermissionDenied where this process may make none.
  Result<> AddDevice(const EntryPath& path, const Device& device, const Metadata& metadata);
  /// The name is gone from the layers below; what this layer itself has there stays.
  Result<> AddWhiteout(const EntryPath& path);
  /// Everything of the layers below is gone from the folder.
  Result<> MakeOpaque(const EntryPath& folder);

  /// Makes the whiteouts and sets the folders' times: last, because content changes both.
  Result<> Finish();

  [[nodiscard]] uint64_t disk_bytes() const { return disk_bytes_; }
  [[nodiscard]] uint64_t inodes() const { return inodes_; }
  /// The first folder which only paths mention that hides a symbolic link of the layers below.
  [[nodiscard]] const std::string& hidden_link() const { return hidden_link_; }

 private:
  TreeWriter(UniqueFd root, LowerFolders lower, const Limits& limits)
      : root_(std::move(root)), lower_(std::move(lower)), limits_(limits) {}

  [[nodiscard]] Result<UniqueFd> OpenFolder(const EntryPath& path) const;
  Result<UniqueFd> EnsureFolder(const EntryPath& path);
  Result<UniqueFd> MakeImplicitFolder(const EntryPath& path);
  [[nodiscard]] Result<EntryPath> RealFolder(const EntryPath& folder) const;
  Result<int> ParentOf(const EntryPath& path);
  [[nodiscard]] bool IsHidden(const EntryPath& folder) const;
  Result<> MakeWhiteout(const EntryPath& path);
  Result<> Dress(const EntryPath& path, const UniqueFd& folder, const Metadata& metadata);
  Result<> KeepPath(size_t bytes);
  void Count(int fd);

  UniqueFd root_;
  LowerFolders lower_;
  Limits limits_;
  // Entries of one folder follow each other: its descriptor is kept.
  std::string parent_path_;
  EntryPath parent_real_;  // the same with links followed
  UniqueFd parent_;
  // What is done at the end is remembered until then, by its path: as text, a path is small.
  std::vector<std::string> whiteouts_;
  std::map<std::string, timespec> folder_times_;
  uint64_t kept_path_bytes_ = 0;
  uint64_t disk_bytes_ = 0;
  uint64_t inodes_ = 0;
  std::string hidden_link_;
};

}  // namespace trivet::image
