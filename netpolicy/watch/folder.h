#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/unique_fd.h"
#include "netpolicy/watch/manifest_file.h"
#include "netpolicy/watch/source.h"

namespace trivet::netpolicy {

/// The objects of all *.yaml, *.yml and *.json files of some folders, watched by inotify.
///
/// A file counts when it was closed after writing, or moved or linked into the folder. A folder
/// that the path leads to by now is found at the next Refresh(). One that cannot be read keeps the
/// objects it had; one that appears broken has none until it is right.
///
/// Another folder without a manifest in the place of one that had some, as is left where a file
/// system is unmounted, is not believed: Refresh() fails and the objects stay.
class FolderSource : public Source {
 public:
  /// Errors: kNotFound when a folder does not exist.
  static Result<std::unique_ptr<FolderSource>> Open(
      const std::vector<std::filesystem::path>& folders);

  [[nodiscard]] int event_fd() const override { return inotify_.get(); }
  Result<bool> Refresh() override;
  [[nodiscard]] const Cluster& cluster() const override { return cluster_; }
  [[nodiscard]] bool complete() const override;
  [[nodiscard]] std::vector<std::string> complaints() const override;

 private:
  struct File {
    ManifestObjects objects;  // the last good ones
    std::string complaint;    // why the file's present content does not count
    bool never_good = false;  // broken since the agent looked first
  };
  using Identity = std::pair<dev_t, ino_t>;
  struct Folder {
    std::filesystem::path path;
    int watch = -1;                // -1: the folder went away
    std::optional<Identity> read;  // what the path led to when it was read
  };
  explicit FolderSource(UniqueFd inotify) : inotify_(std::move(inotify)) {}

  Result<> Watch(Folder& folder);
  Result<> WatchAgain();
  Result<> Scan(Folder& folder);
  Result<> DrainEvents();
  void TakeEvent(int watch, uint32_t mask, std::string_view name);
  void TakeName(const std::filesystem::path& path, uint32_t mask);
  void ReadOne(const std::filesystem::path& path);
  void Rebuild();

  UniqueFd inotify_;
  std::vector<Folder> folders_;
  std::map<std::filesystem::path, File> files_;
  std::set<std::filesystem::path> changed_;
  bool rescan_ = true;
  bool first_read_done_ = false;
  Cluster cluster_;
  std::vector<std::string> conflicts_;
};

}  // namespace trivet::netpolicy
