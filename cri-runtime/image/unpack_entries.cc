#include <unistd.h>

#include <algorithm>

#include "cri-runtime/image/text.h"
#include "cri-runtime/image/unpack.h"

namespace trivet::image {
namespace {

Result<> KeepAllowedXattrs(Metadata& metadata) {
  for (const auto& [name, value] : metadata.xattrs) {
    if (RuleFor(name) == XattrRule::kRefuse) {
      return Fail(Code::kInvalidArgument, "xattr {} is not an image's to set", Printable(name));
    }
  }
  std::erase_if(metadata.xattrs,
                [](const auto& xattr) { return RuleFor(xattr.first) == XattrRule::kDrop; });
  return {};
}

Result<> WriteContent(TarReader& tar, const TarEntry& entry, const UniqueFd& file) {
  // Holes are what is not written.
  if (::ftruncate(file.get(), static_cast<off_t>(entry.size_bytes)) != 0) {
    return FailErrno("set size to {}", entry.size_bytes);
  }
  return tar.ReadContent([&](uint64_t offset, std::string_view data) -> Result<> {
    while (!data.empty()) {
      const ssize_t n = ::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FailErrno("write");
      data.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  });
}

Result<> AddFileWithContent(TarReader& tar, TreeWriter& tree, const EntryPath& path,
                            const TarEntry& entry) {
  ASSIGN_OR_RETURN(const UniqueFd file, tree.AddFile(path));
  RETURN_IF_ERROR(WriteContent(tar, entry, file));
  return tree.SealFile(file, entry.metadata);
}

Result<> AddHardLink(TreeWriter& tree, const EntryPath& path, const std::string& target_text,
                     uint64_t depth) {
  ASSIGN_OR_RETURN(const EntryPath target, EntryPath::Parse(target_text, depth),
                   fmt::format("hard link to '{}'", Printable(target_text)));
  if (target.is_root()) return Fail(Code::kInvalidArgument, "a hard link to the root folder");
  return tree.AddHardLink(path, target);
}

Result<> AddDevice(TreeWriter& tree, const EntryPath& path, const TarEntry& entry) {
  constexpr uint64_t kMaxMajor = 0xfff;  // 12 and 20 bits in the kernel
  constexpr uint64_t kMaxMinor = 0xfffff;
  const bool is_block = entry.type == TarEntry::Type::kBlockDevice;
  // What is cut off could be the difference to a whiteout.
  if (entry.device_major > kMaxMajor || entry.device_minor > kMaxMinor) {
    return Fail(Code::kInvalidArgument, "device number {}:{} is out of range", entry.device_major,
                entry.device_minor);
  }
  // Overlay's own whiteout: some builders write it, and with other engines it is one, too.
  if (!is_block && entry.device_major == 0 && entry.device_minor == 0) {
    return tree.AddWhiteout(path);
  }
  return tree.AddDevice(path,
                        {.is_block = is_block,
                         .major = static_cast<unsigned>(entry.device_major),
                         .minor = static_cast<unsigned>(entry.device_minor)},
                        entry.metadata);
}

Result<> AddObject(TarReader& tar, TreeWriter& tree, const EntryPath& path, const TarEntry& entry,
                   const Limits& limits) {
  if (path.is_root() && entry.type != TarEntry::Type::kFolder) {
    return Fail(Code::kInvalidArgument, "the root must be a folder");
  }
  switch (entry.type) {
    case TarEntry::Type::kFolder:
      return tree.AddFolder(path, entry.metadata);
    case TarEntry::Type::kFile:
      return AddFileWithContent(tar, tree, path, entry);
    case TarEntry::Type::kSymlink:
      return tree.AddSymlink(path, entry.link_target, entry.metadata);
    case TarEntry::Type::kHardLink:
      return AddHardLink(tree, path, entry.link_target, limits.path_depth);
    case TarEntry::Type::kFifo:
      return tree.AddFifo(path, entry.metadata);
    case TarEntry::Type::kCharDevice:
    case TarEntry::Type::kBlockDevice:
      return AddDevice(tree, path, entry);
    case TarEntry::Type::kOther:
      break;
  }
  return Fail(Code::kInvalidArgument, "neither file, folder, link nor fifo");
}

Result<> AddWhiteout(TreeWriter& tree, const EntryPath& marker) {
  EntryPath gone = marker;
  ASSIGN_OR_RETURN(gone.parts.back(), WhitedOutName(marker.name()));
  return tree.AddWhiteout(gone);
}

Result<> CheckFoldersAreNotMarkers(const EntryPath& path) {
  const auto folders_end = path.parts.end() - (path.is_root() ? 0 : 1);
  if (std::any_of(path.parts.begin(), folders_end,
                  [](const auto& part) { return MarkerOf(part) == Marker::kWhiteout; })) {
    return Fail(Code::kInvalidArgument, "the path goes through a whiteout");
  }
  return {};
}

// AUFS kept its own files below such a folder.
bool IsBookKeeping(const EntryPath& path) {
  return std::ranges::any_of(path.parts,
                             [](const auto& part) { return MarkerOf(part) == Marker::kIgnored; });
}

Result<> AddEntry(TarReader& tar, TreeWriter& tree, TarEntry& entry, const Limits& limits) {
  ASSIGN_OR_RETURN(const EntryPath path, EntryPath::Parse(entry.path, limits.path_depth));
  RETURN_IF_ERROR(KeepAllowedXattrs(entry.metadata));
  RETURN_IF_ERROR(CheckFoldersAreNotMarkers(path));
  if (IsBookKeeping(path)) return {};
  const Marker marker = path.is_root() ? Marker::kNone : MarkerOf(path.name());
  if (marker == Marker::kOpaque) return tree.MakeOpaque(path.Parent());
  if (marker == Marker::kWhiteout) return AddWhiteout(tree, path);
  return AddObject(tar, tree, path, entry, limits);
}

}  // namespace

Result<uint64_t> UnpackEntries(TarReader& tar, TreeWriter& tree, const Limits& limits,
                               uint64_t allowance_bytes) {
  uint64_t content_bytes = 0;
  for (uint64_t count = 0;; ++count) {
    ASSIGN_OR_RETURN(std::optional<TarEntry> entry, tar.Next());
    if (!entry) break;
    if (count == limits.entries_per_layer) {
      return Fail(Code::kResourceExhausted, "more than {} entries (imageEntriesLimit)",
                  limits.entries_per_layer);
    }
    if (entry->size_bytes > allowance_bytes - content_bytes) {
      return Fail(Code::kResourceExhausted,
                  "entry '{}': the image unpacks to more than {} bytes (imageBytesLimit)",
                  Printable(entry->path), limits.unpacked_bytes);
    }
    content_bytes += entry->size_bytes;
    RETURN_IF_ERROR(AddEntry(tar, tree, *entry, limits),
                    fmt::format("entry '{}'", Printable(entry->path)));
  }
  RETURN_IF_ERROR(tree.Finish());
  return content_bytes;
}

}  // namespace trivet::image
