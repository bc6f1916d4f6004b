#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "cri-runtime/image/entry_path.h"
#include "cri-runtime/image/metadata.h"

namespace trivet::image {

/// What the layers below show at a path.
struct LowerView {
  std::optional<Metadata> folder;  // nothing when it is none
  bool is_link = false;            // a symbolic link
};

/// The layers below the one that is being unpacked. A layer may bring "tmp/x"
/// without "tmp": the folder it then gets must look as it did below, because in an
/// overlay the upper folder's owner and mode win.
class LowerFolders {
 public:
  /// `roots`: unpacked layers, highest first.
  static Result<LowerFolders> Open(const std::vector<std::filesystem::path>& roots);

  [[nodiscard]] Result<LowerView> Find(const EntryPath& path) const;

 private:
  explicit LowerFolders(std::vector<UniqueFd> roots) : roots_(std::move(roots)) {}
  std::vector<UniqueFd> roots_;
};

}  // namespace trivet::image
