#pragma once

#include <filesystem>

namespace trivet::ctl::doctor {

/// `path`, or the nearest folder above it that exists: what is made later will be on its file
/// system.
inline std::filesystem::path NearestExisting(std::filesystem::path path) {
  std::error_code error;
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

}  // namespace trivet::ctl::doctor
