#include "cri-runtime/image/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <clocale>

#include <limits>

#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

// libarchive converts pax names, which are UTF-8, to the thread's character set; with "C"
// it would refuse or mangle every name that is not ASCII.
class Utf8Locale {
 public:
  Utf8Locale()
      : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
        previous_(locale_ != nullptr ? ::uselocale(locale_) : nullptr) {}
  ~Utf8Locale() {
    if (locale_ == nullptr) return;
    ::uselocale(previous_);
    ::freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t locale_;
  locale_t previous_;
};

std::string Text(const char* text) {
  return text == nullptr ? "" : text;
}

TarEntry::Type TypeOf(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr) return TarEntry::Type::kHardLink;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return TarEntry::Type::kFile;
    case AE_IFDIR:
      return TarEntry::Type::kFolder;
    case AE_IFLNK:
      return TarEntry::Type::kSymlink;
    case AE_IFIFO:
      return TarEntry::Type::kFifo;
    case AE_IFCHR:
      return TarEntry::Type::kCharDevice;
    case AE_IFBLK:
      return TarEntry::Type::kBlockDevice;
    default:
      return TarEntry::Type::kOther;
  }
}

Result<uint32_t> OwnerId(int64_t id, std::string_view what, const std::string& path) {
  // 4294967295 is (uid_t)-1: "leave as it is" to chown(2).
  if (id < 0 || id >= std::numeric_limits<uint32_t>::max()) {
    return Fail(Code::kInvalidArgument, "entry '{}': {} {} is out of range", Printable(path), what,
                id);
  }
  return static_cast<uint32_t>(id);
}

std::vector<std::pair<std::string, std::string>> Xattrs(archive_entry* entry) {
  std::vector<std::pair<std::string, std::string>> xattrs;
  archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    xattrs.emplace_back(Text(name), std::string(static_cast<const char*>(value), size));
  }
  return xattrs;
}

Result<TarEntry> Convert(archive_entry* entry) {
  TarEntry out{.type = TypeOf(entry), .path = Text(archive_entry_pathname(entry))};
  if (out.path.empty()) return Fail(Code::kInvalidArgument, "an entry has no readable name");
  out.link_target = out.type == TarEntry::Type::kHardLink ? Text(archive_entry_hardlink(entry))
                                                          : Text(archive_entry_symlink(entry));
  out.metadata.mode = static_cast<uint32_t>(archive_entry_perm(entry)) & 07777U;
  ASSIGN_OR_RETURN(out.metadata.uid, OwnerId(archive_entry_uid(entry), "uid", out.path));
  ASSIGN_OR_RETURN(out.metadata.gid, OwnerId(archive_entry_gid(entry), "gid", out.path));
  out.metadata.mtime = {.tv_sec = archive_entry_mtime(entry),
                        .tv_nsec = archive_entry_mtime_nsec(entry)};
  const int64_t size_bytes = archive_entry_size(entry);
  if (size_bytes < 0) {
    return Fail(Code::kInvalidArgument, "entry '{}': negative size", Printable(out.path));
  }
  out.size_bytes = static_cast<uint64_t>(size_bytes);
  out.device_major = archive_entry_rdevmajor(entry);
  out.device_minor = archive_entry_rdevminor(entry);
  out.metadata.xattrs = Xattrs(entry);
  return out;
}

}  // namespace

Result<> TarReader::Open() {
  archive_read_support_format_tar(input_.get());
  archive_read_support_format_empty(input_.get());
  return input_.Open();
}

Result<std::optional<TarEntry>> TarReader::Next() {
  const Utf8Locale utf8;
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(input_.get(), &entry);
  if (status == ARCHIVE_EOF) return std::nullopt;
  // A warning is a name that is not UTF-8: it is kept byte for byte.
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return input_.Failure();
  return Convert(entry);
}

Result<> TarReader::ReadContent(const Write& write) {
  while (true) {
    const void* data = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(input_.get(), &data, &size, &offset);
    if (status == ARCHIVE_EOF) return {};
    if (status != ARCHIVE_OK) return input_.Failure();
    RETURN_IF_ERROR(write(static_cast<uint64_t>(offset),
                          std::string_view(static_cast<const char*>(data), size)));
  }
}

}  // namespace trivet::image
