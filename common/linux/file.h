#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet {

/// The whole file. Errors: kNotFound; kOutOfRange when it is larger than `limit_bytes`.
Result<std::string> ReadFile(const std::filesystem::path& file,
                             uint64_t limit_bytes = uint64_t{16} << 20);

/// As ReadFile, from an open descriptor's current position; `name` is for the error.
Result<std::string> ReadAll(int fd, std::string_view name,
                            uint64_t limit_bytes = uint64_t{16} << 20);

/// Writes all of `data`, however many write(2) calls it takes.
Result<> WriteAll(int fd, std::string_view data, std::string_view name);

/// Writes `value` to an existing kernel control file (cgroup, sysctl, sysfs) in
/// one write(2): the kernel parses each write on its own.
/// Errors: kNotFound when the file is absent (controller not enabled),
/// otherwise the code of the kernel's errno (EBUSY, EINVAL, ...).
Result<> WriteControlFile(const std::filesystem::path& file, std::string_view value);

/// When a change becomes durable: with the call, or with a later sync of the caller's, where the
/// file system keeps the order of changes.
enum class Sync { kNow, kLater };

/// Replaces `file` so that a crash leaves the old content or the new, never a part: sibling, fsync,
/// rename, fsync of the folder (kLater: the content is written out instead, without either fsync).
Result<> WriteFileAtomically(const std::filesystem::path& file, std::string_view content,
                             mode_t mode = 0600, Sync name = Sync::kNow);

/// As WriteFileAtomically without the two fsyncs: for files that a reboot voids anyway (/run).
Result<> WriteFileVolatile(const std::filesystem::path& file, std::string_view content,
                           mode_t mode = 0600);

/// Removes what WriteFileAtomically and WriteFileVolatile leave in `directory` when they are
/// killed before their rename. The caller keeps other writers out. An absent folder is success.
Result<> RemoveAbandonedSiblings(const std::filesystem::path& directory);

/// Creates `directory` and its parents with `mode`; one that exists is left as it is.
Result<> EnsureDirectory(const std::filesystem::path& directory, mode_t mode = 0700);

/// Removes a file; absent is success. `durable` also syncs the folder.
Result<> RemoveFile(const std::filesystem::path& file, bool durable = false);

/// Removes a tree without following symbolic links; absent is success.
Result<> RemoveTree(const std::filesystem::path& tree);

/// fsync(2) of a file: makes its content durable, not its name.
Result<> SyncFile(const std::filesystem::path& file);

/// fsync(2) of a folder: makes its names durable.
Result<> SyncDirectory(const std::filesystem::path& directory);

/// The names in a folder, sorted, without . and ..; an absent folder is kNotFound.
Result<std::vector<std::string>> ListDirectory(const std::filesystem::path& directory);

/// This boot's id: a record with another one was written before a reboot.
/// Source: /proc/sys/kernel/random/boot_id, man 4 random.
Result<std::string> ReadBootId();

}  // namespace trivet
