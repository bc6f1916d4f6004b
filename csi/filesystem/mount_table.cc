#include "csi/filesystem/mount_table.h"

#include <libmount/libmount.h>
#include <sys/stat.h>

#include <memory>
#include <ranges>
#include <string_view>

namespace trivet::csi {
namespace {

using TablePointer = std::unique_ptr<libmnt_table, decltype(&::mnt_unref_table)>;
using IteratorPointer = std::unique_ptr<libmnt_iter, decltype(&::mnt_free_iter)>;

std::string TextOf(const char* text) {
  return text == nullptr ? "" : text;
}

// A btrfs is mounted under a number of its own; the device it is on is its source.
dev_t DeviceOf(libmnt_fs* fs) {
  struct stat source{};
  const bool is_btrfs = TextOf(::mnt_fs_get_fstype(fs)) == "btrfs";
  if (is_btrfs && ::stat(TextOf(::mnt_fs_get_source(fs)).c_str(), &source) == 0 &&
      S_ISBLK(source.st_mode)) {
    return source.st_rdev;
  }
  return ::mnt_fs_get_devno(fs);
}

MountEntry EntryOf(libmnt_fs* fs) {
  int read_only = 0;
  if (const char* options = ::mnt_fs_get_vfs_options(fs); options != nullptr) {
    read_only = ::mnt_optstr_get_option(options, "ro", nullptr, nullptr) == 0 ? 1 : 0;
  }
  return {.target = TextOf(::mnt_fs_get_target(fs)),
          .root = TextOf(::mnt_fs_get_root(fs)),
          .type = TextOf(::mnt_fs_get_fstype(fs)),
          .device = DeviceOf(fs),
          .read_only = read_only == 1};
}

}  // namespace

Result<MountTable> MountTable::Read(const std::filesystem::path& mountinfo) {
  const TablePointer table(::mnt_new_table_from_file(mountinfo.c_str()), &::mnt_unref_table);
  if (table == nullptr) return FailErrno("read {}", mountinfo.native());
  const IteratorPointer iterator(::mnt_new_iter(MNT_ITER_FORWARD), &::mnt_free_iter);
  std::vector<MountEntry> entries;
  libmnt_fs* fs = nullptr;
  while (::mnt_table_next_fs(table.get(), iterator.get(), &fs) == 0) {
    entries.push_back(EntryOf(fs));
  }
  return MountTable(std::move(entries));
}

const MountEntry* MountTable::At(const std::filesystem::path& target) const {
  for (const MountEntry& entry : std::views::reverse(entries_)) {
    if (entry.target == target) return &entry;
  }
  return nullptr;
}

}  // namespace trivet::csi
