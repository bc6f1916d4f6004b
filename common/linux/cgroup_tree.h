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

/// What both back ends of cgroup.h do with the folders of one hierarchy.
namespace trivet::cgroup_tree {

/// Calls `visit` for `folder` and each group below it, the deepest first; an absent folder has
/// none.
Result<> ForEachGroup(const std::filesystem::path& folder,
                      const std::function<Result<>(const std::filesystem::path&)>& visit);

/// The processes in and below `folder`.
Result<std::vector<pid_t>> Processes(const std::filesystem::path& folder);

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
  /// 0 when the key is not there.
  [[nodiscard]] uint64_t Get(std::string_view key) const;

 private:
  explicit KeyedNumbers(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// The number after `key` in a file of "key number" lines; 0 when the key is not there.
Result<uint64_t> ReadKey(const std::filesystem::path& file, std::string_view key);

}  // namespace trivet::cgroup_tree
