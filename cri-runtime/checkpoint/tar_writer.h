#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

struct archive;
struct archive_entry;

namespace trivet::checkpoint {

/// Writes a tar file (pax where ustar does not suffice), uncompressed, 0600.
class TarWriter {
 public:
  /// Replaces `file`. Errors: the file system's.
  static Result<TarWriter> Create(const std::filesystem::path& file);

  /// A regular file of root's, 0600.
  Result<> AddText(const std::string& name, std::string_view content);
  /// As it is at `source`: kind, owner, mode, times, extended attributes, content. Of a folder only
  /// itself. Links are not followed. `change` may alter the entry before it is written.
  using Change = std::function<void(archive_entry&)>;
  Result<> Add(const std::string& name, const std::filesystem::path& source,
               const Change& change = {});
  /// A folder with all that is in it, under `name`.
  Result<> AddTree(const std::string& name, const std::filesystem::path& source);

  /// Makes it durable. Without it the file is worth nothing.
  Result<> Finish();

 private:
  struct Free {
    void operator()(archive* writer) const;
  };
  TarWriter(UniqueFd fd, std::filesystem::path file);
  Result<> WriteContent(const std::filesystem::path& source);
  void LinkToFirst(archive_entry& entry);
  Result<> Fail(std::string_view step) const;

  UniqueFd fd_;
  std::filesystem::path file_;
  std::unique_ptr<archive, Free> writer_;
  std::unique_ptr<archive, Free> disk_;                          // asks for a file's attributes
  std::map<std::pair<uint64_t, uint64_t>, std::string> linked_;  // {device, inode}: its first name
};

}  // namespace trivet::checkpoint
