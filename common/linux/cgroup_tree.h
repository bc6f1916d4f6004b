#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

/// What both back ends of cgroup.h do with the folders of one hierarchy.
namespace trivet::cgroup_tree {

/// The folder of `group`, "/…", in the hierarchy at `hierarchy`.
std::filesystem::path FolderIn(std::string hierarchy, std::string_view group);

/// Calls `visit` for `folder` and each group below it, the deepest first; an absent folder has
/// none.
Result<> ForEachGroup(const std::filesystem::path& folder,
                      const std::function<Result<>(const std::filesystem::path&)>& visit);

/// The processes in and below `folder`.
Result<std::vector<pid_t>> Processes(const std::filesystem::path& folder);

/// Those of `pids` that are not among `others`.
std::vector<pid_t> Without(std::vector<pid_t> pids, std::vector<pid_t> others);

/// Moves what `left` tells of into the group at `to`, round after round (a process may fork
/// meanwhile), until there is nothing. Those of other PID namespaces, which are 0, stay. True when
/// there was something. Errors: kAborted when they start others too fast.
Result<bool> MoveAll(const std::function<Result<std::vector<pid_t>>()>& left,
                     const std::filesystem::path& to);

/// rmdir of the groups below `folder` and of itself. Errors: kAborted while one is in use.
Result<> Remove(const std::filesystem::path& folder);

/// Kills by signal whatever is in `folder`, round after round (a process may fork meanwhile), and
/// waits for each by its pidfd.
Result<> KillAll(const std::filesystem::path& folder, std::chrono::milliseconds timeout);

/// A file with one number; "max" is the largest.
Result<uint64_t> ReadNumber(const std::filesystem::path& file);

/// A file of "key number" lines, read once.
class KeyedNumbers {
 public:
  static Result<KeyedNumbers> Read(const std::filesystem::path& file);
  explicit KeyedNumbers(std::string text) : text_(std::move(text)) {}
  /// 0 when the key is not there.
  [[nodiscard]] uint64_t Get(std::string_view key) const;

 private:
  std::string text_;
};

/// The folder of a group, opened once for several of its files: on this file system the way to a
/// file costs as much as the file.
class Folder {
 public:
  /// Errors: kNotFound when it is absent.
  static Result<Folder> Open(std::filesystem::path folder);

  /// The whole file. Errors: kNotFound.
  [[nodiscard]] Result<std::string> Read(const char* name) const;
  [[nodiscard]] Result<uint64_t> ReadNumber(const char* name) const;
  [[nodiscard]] Result<KeyedNumbers> ReadKeyed(const char* name) const;

 private:
  Folder(std::filesystem::path path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::filesystem::path path_;
  UniqueFd fd_;
};

/// The number after `key` in a file of "key number" lines; 0 when the key is not there.
Result<uint64_t> ReadKey(const std::filesystem::path& file, std::string_view key);

}  // namespace trivet::cgroup_tree
