#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/error.h"

/// Small files of a program that starts, changes one or two of thousands, and ends.
namespace trivet {

enum class LastLink { kIsRefused, kIsFollowed };
/// The content of a regular file and of nothing else: no pipe is waited for, no symbolic link in
/// the file's place followed unless `link` says so. Errors: kNotFound; kFailedPrecondition for
/// another kind of file; kOutOfRange when it is larger than `limit_bytes`.
Result<std::string> ReadRegularFile(const std::filesystem::path& file, uint64_t limit_bytes,
                                    LastLink link = LastLink::kIsRefused);

/// Overwrites `file` in place, by one write(2) that a kill cannot cut in two; false, and nothing is
/// done, where that is not possible: no file, a longer one, more than a page. Cheaper than to
/// replace it: on a rename over a file ext4 starts to write to the disk.
Result<bool> OverwriteFile(const std::filesystem::path& file, std::string_view content);

/// Creates `file` with that content; false, and nothing is written, when something of that name is
/// there. A kill in between leaves an empty file: for readers who take that for none.
Result<bool> CreateFile(const std::filesystem::path& file, std::string_view content,
                        mode_t mode = 0600);

/// As OverwriteFile or CreateFile where that is possible, else as WriteFileVolatile: for a text
/// that line ends may follow, which fill it up to a page, so that the next one covers it.
Result<> WritePage(const std::filesystem::path& file, std::string text);

/// Replaces `file` by way of `sibling` in the same folder, so that a kill leaves the old content or
/// the new; for a file that one caller at a time writes: whoever is killed leaves that one name
/// behind, which the next call takes over.
Result<> WriteFileThrough(const std::filesystem::path& sibling, const std::filesystem::path& file,
                          std::string_view content, mode_t mode = 0600);

enum class Visit { kGoOn, kStop };
/// Calls `use` with each name in a folder but . and .., in no order, until it says stop. Errors:
/// kNotFound for an absent folder.
Result<> VisitDirectory(const std::filesystem::path& directory,
                        const std::function<Visit(std::string_view)>& use);

}  // namespace trivet
