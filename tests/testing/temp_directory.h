#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <utility>

namespace trivet::testing {

/// A folder of its own for one test, removed with everything in it at the end.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

  /// Writes files (parents are made): `Fill({{"a/b", "text"}})`.
  void Fill(std::initializer_list<std::pair<std::string, std::string>> files) const;

 private:
  std::filesystem::path path_;
};

}  // namespace trivet::testing
