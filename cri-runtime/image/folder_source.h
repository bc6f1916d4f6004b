#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cri-runtime/image/source.h"

namespace trivet::image {

/// A layout in a folder. Links inside it may point at other files inside it.
class FolderSource : public Source {
 public:
  /// Errors: kNotFound, kInvalidArgument when `folder` is not one.
  static Result<std::unique_ptr<Source>> Open(const std::filesystem::path& folder);

  [[nodiscard]] Result<UniqueFd> Open(const std::string& name) const override;

 private:
  explicit FolderSource(UniqueFd folder) : folder_(std::move(folder)) {}
  UniqueFd folder_;
};

}  // namespace trivet::image
