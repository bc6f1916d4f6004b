#pragma once

#include <filesystem>
#include <utility>

#include "common/base/error.h"

namespace trivet::image {

/// A folder (0700) for work in progress, removed with everything in it when this goes.
class ScratchDirectory {
 public:
  static Result<ScratchDirectory> Make(const std::filesystem::path& parent);
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace trivet::image
