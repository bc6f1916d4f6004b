#include "cri-runtime/checkpoint/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "common/linux/file.h"

namespace trivet::checkpoint {
namespace {

constexpr size_t kPieceBytes = size_t{256} << 10;

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

}  // namespace

void TarWriter::Free::operator()(archive* writer) const {
  archive_free(writer);
}

TarWriter::TarWriter(UniqueFd fd, std::filesystem::path file)
    : fd_(std::move(fd)),
      file_(std::move(file)),
      writer_(archive_write_new()),
      disk_(archive_read_disk_new()) {
  archive_write_set_format_pax_restricted(writer_.get());
  archive_read_disk_set_symlink_physical(disk_.get());
}

Result<TarWriter> TarWriter::Create(const std::filesystem::path& file) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(::open(file.c_str(), kFlags, 0600));
  if (!fd.valid()) return FailErrno("create {}", file.native());
  TarWriter writer(std::move(fd), file);
  if (archive_write_open_fd(writer.writer_.get(), writer.fd_.get()) != ARCHIVE_OK) {
    return std::unexpected(writer.Fail("open").error());
  }
  return writer;
}

Result<> TarWriter::Fail(std::string_view step) const {
  const int err = archive_errno(writer_.get());
  const char* why = archive_error_string(writer_.get());
  return std::unexpected(Error(err > 0 ? CodeOfErrno(err) : Code::kInternal,
                               fmt::format("{} {}: {}", step, file_.native(), why ? why : "?")));
}

Result<> TarWriter::AddText(const std::string& name, std::string_view content) {
  const Entry entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
  if (archive_write_header(writer_.get(), entry.get()) != ARCHIVE_OK) return Fail("write");
  const la_ssize_t n = archive_write_data(writer_.get(), content.data(), content.size());
  if (n != static_cast<la_ssize_t>(content.size())) return Fail("write");
  return {};
}

Result<> TarWriter::Add(const std::string& name, const std::filesystem::path& source,
                        const Change& change) {
  const Entry entry(archive_entry_new());
  archive_entry_copy_sourcepath(entry.get(), source.c_str());
  archive_entry_set_pathname(entry.get(), name.c_str());
  if (archive_read_disk_entry_from_file(disk_.get(), entry.get(), -1, nullptr) < ARCHIVE_WARN) {
    const int err = archive_errno(disk_.get());
    return std::unexpected(Error::FromErrno(err, "read " + source.native()));
  }
  if (change) change(*entry);
  LinkToFirst(*entry);
  // ARCHIVE_WARN is a socket, which tar cannot hold, or a name in no known character set.
  const int written = archive_write_header(writer_.get(), entry.get());
  if (archive_entry_filetype(entry.get()) == AE_IFSOCK) return {};
  if (written < ARCHIVE_WARN) return Fail("write");
  return archive_entry_size(entry.get()) > 0 ? WriteContent(source) : Result<>{};
}

// A further name of a file that is in the archive.
void TarWriter::LinkToFirst(archive_entry& entry) {
  if (archive_entry_nlink(&entry) < 2 || archive_entry_filetype(&entry) == AE_IFDIR) return;
  const std::pair key(static_cast<uint64_t>(archive_entry_dev(&entry)),
                      static_cast<uint64_t>(archive_entry_ino64(&entry)));
  const auto [first, is_new] = linked_.emplace(key, archive_entry_pathname(&entry));
  if (is_new) return;
  archive_entry_set_hardlink(&entry, first->second.c_str());
  archive_entry_unset_size(&entry);
}

// As many bytes as the header said: libarchive drops what is more and fills up what is less.
Result<> TarWriter::WriteContent(const std::filesystem::path& source) {
  const UniqueFd content(::open(source.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!content.valid()) return FailErrno("open {}", source.native());
  std::vector<char> piece(kPieceBytes);
  while (true) {
    const ssize_t n = ::read(content.get(), piece.data(), piece.size());
    if (n == 0) return {};
    if (n < 0) return FailErrno("read {}", source.native());
    const la_ssize_t taken =
        archive_write_data(writer_.get(), piece.data(), static_cast<size_t>(n));
    if (taken < 0) return Fail("write");
    if (taken < n) return {};
  }
}

Result<> TarWriter::AddTree(const std::string& name, const std::filesystem::path& source) {
  RETURN_IF_ERROR(Add(name, source));
  std::error_code unknown;  // then it is none
  if (!is_directory(std::filesystem::symlink_status(source, unknown))) return {};
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(source));
  for (const std::string& child : names) {
    RETURN_IF_ERROR(AddTree(fmt::format("{}/{}", name, child), source / child));
  }
  return {};
}

Result<> TarWriter::Finish() {
  if (archive_write_close(writer_.get()) != ARCHIVE_OK) return Fail("write");
  if (::fsync(fd_.get()) != 0) return FailErrno("fsync {}", file_.native());
  return {};
}

}  // namespace trivet::checkpoint
