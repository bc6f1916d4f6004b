#pragma once

#include <cstdint>
#include <filesystem>

/// The bare system calls that a call of the driver cannot do without, on the same file systems.
/// Each throws std::system_error.
namespace trivet::bench::floor {

/// An image of `bytes` set aside and a record of it, both durable.
void MakeImage(const std::filesystem::path& pool, const std::filesystem::path& records,
               uint64_t bytes);
/// The same removed, durably.
void RemoveImage(const std::filesystem::path& pool, const std::filesystem::path& records);

/// A folder made, and `source` bound to it; and the other way.
void Bind(const std::filesystem::path& source, const std::filesystem::path& target);
void Unbind(const std::filesystem::path& target);

/// The figures of a file system.
void Stat(const std::filesystem::path& path);

/// A copy of the image that shares its blocks, durable, with its record. RemoveCopy undoes it.
void Copy(const std::filesystem::path& pool, const std::filesystem::path& records);
void RemoveCopy(const std::filesystem::path& pool, const std::filesystem::path& records);

}  // namespace trivet::bench::floor
