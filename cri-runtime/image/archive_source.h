#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "cri-runtime/image/source.h"

namespace trivet::image {

/// A layout in a tar file, plain, gzip or zstd. The files of the layout are
/// copied once into a folder of ours, under numbers: a name from the archive
/// never becomes a path.
class ArchiveSource : public Source {
 public:
  /// Errors: kInvalidArgument for what is not such an archive, and for an entry that is not
  /// a file or folder inside it; kResourceExhausted.
  static Result<std::unique_ptr<Source>> Stage(const std::filesystem::path& file,
                                               const Limits& limits,
                                               const std::filesystem::path& scratch);

  [[nodiscard]] Result<UniqueFd> Open(const std::string& name) const override;

 private:
  explicit ArchiveSource(std::map<std::string, std::filesystem::path> files)
      : files_(std::move(files)) {}
  std::map<std::string, std::filesystem::path> files_;  // name in the archive -> staged file
};

}  // namespace trivet::image
