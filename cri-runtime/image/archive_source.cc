#include "cri-runtime/image/archive_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "common/linux/file.h"
#include "cri-runtime/image/decompress.h"
#include "cri-runtime/image/entry_path.h"
#include "cri-runtime/image/tar_reader.h"
#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

constexpr uint64_t kNameDepth = 16;

// "docker save" adds files of its own beside the layout's.
bool BelongsToLayout(const std::string& name) {
  return name == "oci-layout" || name == "index.json" || name.starts_with("blobs/sha256/");
}

class Stager {
 public:
  Stager(const Limits& limits, std::filesystem::path scratch)
      : limits_(limits), scratch_(std::move(scratch)) {}

  Result<std::map<std::string, std::filesystem::path>> Run(ByteStream& input) && {
    TarReader tar(input);
    RETURN_IF_ERROR(tar.Open());
    for (uint64_t count = 0;; ++count) {
      ASSIGN_OR_RETURN(const std::optional<TarEntry> entry, tar.Next());
      if (!entry) break;
      if (count == limits_.archive_entries) {
        return Fail(Code::kResourceExhausted, "more than {} entries", limits_.archive_entries);
      }
      RETURN_IF_ERROR(Add(tar, *entry), fmt::format("entry '{}'", Printable(entry->path)));
    }
    return std::move(files_);
  }

 private:
  Result<> Add(TarReader& tar, const TarEntry& entry) {
    ASSIGN_OR_RETURN(const EntryPath path, EntryPath::Parse(entry.path, kNameDepth));
    const std::string name = path.text();
    if (entry.size_bytes > limits_.archive_bytes - seen_bytes_) {
      return Fail(Code::kResourceExhausted,
                  "the archive holds more than {} bytes (imageArchiveBytesLimit)",
                  limits_.archive_bytes);
    }
    seen_bytes_ += entry.size_bytes;
    if (!BelongsToLayout(name) || entry.type == TarEntry::Type::kFolder) return {};
    if (entry.type != TarEntry::Type::kFile) {
      return Fail(Code::kInvalidArgument, "not a file; a layout has only files and folders");
    }
    const auto staged = scratch_ / std::to_string(files_.size());
    if (!files_.emplace(name, staged).second) {
      return Fail(Code::kAlreadyExists, "the archive has this name twice");
    }
    return Copy(tar, staged);
  }

  static Result<> Copy(TarReader& tar, const std::filesystem::path& staged) {
    const UniqueFd file(::open(staged.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.valid()) return FailErrno("create {}", staged.native());
    return tar.ReadContent([&](uint64_t /*offset*/, std::string_view data) {
      return WriteAll(file.get(), data, staged.native());
    });
  }

  const Limits& limits_;
  std::filesystem::path scratch_;
  std::map<std::string, std::filesystem::path> files_;
  uint64_t seen_bytes_ = 0;
};

Result<UniqueFd> OpenArchive(const std::filesystem::path& file) {
  UniqueFd archive(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!archive.valid()) return FailErrno("open {}", file.native());
  struct stat info{};
  if (::fstat(archive.get(), &info) != 0) return FailErrno("stat {}", file.native());
  if (S_ISDIR(info.st_mode)) {
    return Fail(Code::kInvalidArgument, "a folder; for an unpacked layout write oci:");
  }
  if (!S_ISREG(info.st_mode)) return Fail(Code::kInvalidArgument, "not a plain file");
  return archive;
}

Result<Compression> CompressionOf(const UniqueFd& archive) {
  char first[4] = {};
  const ssize_t n = ::pread(archive.get(), first, sizeof first, 0);
  if (n < 0) return FailErrno("read");
  return SniffCompression({first, static_cast<size_t>(n)});
}

}  // namespace

Result<std::unique_ptr<Source>> ArchiveSource::Stage(const std::filesystem::path& file,
                                                     const Limits& limits,
                                                     const std::filesystem::path& scratch) {
  ASSIGN_OR_RETURN(const UniqueFd archive, OpenArchive(file));
  ASSIGN_OR_RETURN(const Compression compression, CompressionOf(archive));
  FileStream bytes(archive.get(), file);
  ASSIGN_OR_RETURN(const auto plain, Decompress(bytes, compression));
  ASSIGN_OR_RETURN(auto files, Stager(limits, scratch).Run(*plain));
  return std::unique_ptr<Source>(new ArchiveSource(std::move(files)));
}

Result<UniqueFd> ArchiveSource::Open(const std::string& name) const {
  const auto found = files_.find(name);
  if (found == files_.end()) {
    return Fail(Code::kNotFound, "{}: not in the archive; want an OCI image layout", name);
  }
  UniqueFd file(::open(found->second.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return FailErrno("open {}", found->second.native());
  return file;
}

}  // namespace trivet::image
