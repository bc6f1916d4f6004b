#include "cri-runtime/image/source.h"

#include <sys/stat.h>

#include "common/base/json.h"
#include "common/linux/file.h"
#include "cri-runtime/image/archive_source.h"
#include "cri-runtime/image/folder_source.h"
#include "cri-runtime/image/text.h"

namespace trivet::image {
namespace {

Result<> CheckLayoutVersion(const Source& source, uint64_t limit_bytes) {
  ASSIGN_OR_RETURN(const UniqueFd file, source.Open("oci-layout"));
  ASSIGN_OR_RETURN(const std::string text, ReadAll(file.get(), "oci-layout", limit_bytes));
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text), "oci-layout");
  std::string version;
  RETURN_IF_ERROR(json::ReadRequired(root, "imageLayoutVersion", version), "oci-layout");
  if (version == "1.0.0") return {};
  return Fail(Code::kInvalidArgument, "oci-layout: imageLayoutVersion '{}' is not 1.0.0",
              Printable(version));
}

}  // namespace

Result<UniqueFd> Source::OpenBlob(const Descriptor& descriptor) const {
  const std::string name = "blobs/sha256/" + descriptor.digest.hex();
  ASSIGN_OR_RETURN(UniqueFd file, Open(name));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return FailErrno("stat {}", name);
  if (static_cast<uint64_t>(info.st_size) != descriptor.size_bytes) {
    return Fail(Code::kDataLoss, "{}: {} bytes, the descriptor says {}", name, info.st_size,
                descriptor.size_bytes);
  }
  return file;
}

Result<std::string> Source::ReadBlob(const Descriptor& descriptor, uint64_t limit_bytes) const {
  const std::string name = "blobs/sha256/" + descriptor.digest.hex();
  if (descriptor.size_bytes > limit_bytes) {
    return Fail(Code::kResourceExhausted, "{}: {} bytes, the limit is {}", name,
                descriptor.size_bytes, limit_bytes);
  }
  ASSIGN_OR_RETURN(const UniqueFd file, OpenBlob(descriptor));
  ASSIGN_OR_RETURN(std::string content, ReadAll(file.get(), name, limit_bytes));
  const Digest found = Digest::Of(content);
  if (found == descriptor.digest) return content;
  return Fail(Code::kDataLoss, "{}: digest differs: content has {}", name, found.text());
}

Result<std::unique_ptr<Source>> OpenSource(const Location& location, const Limits& limits,
                                           const std::filesystem::path& scratch) {
  std::unique_ptr<Source> source;
  if (location.kind == Location::Kind::kFolder) {
    ASSIGN_OR_RETURN(source, FolderSource::Open(location.path));
  } else {
    ASSIGN_OR_RETURN(source, ArchiveSource::Stage(location.path, limits, scratch));
  }
  RETURN_IF_ERROR(CheckLayoutVersion(*source, limits.json_bytes));
  return source;
}

}  // namespace trivet::image
