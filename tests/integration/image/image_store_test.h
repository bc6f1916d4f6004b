#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "cri-runtime/image/store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/oci_layout.h"
#include "tests/testing/temp_directory.h"

namespace trivet::image {

/// "d/d/d/f" with this many folders.
std::string Deep(int levels);

/// An image store in a folder of its own, as root: layers have owners, whiteouts
/// and capabilities.
class ImageStoreTest : public testing::RootTest {
 protected:
  void SetUp() override;

  /// Opens the store, again when it is open.
  void Open(std::vector<Pin> pins = {}, Limits limits = {});
  /// Closes the store and opens it again, with nothing expected.
  Result<std::unique_ptr<Store>> Reopen();
  /// Writes the layout as a folder and imports it.
  Result<std::vector<Image>> Import(const testing::OciLayout& layout, const std::string& name = "");
  /// One image of these layers.
  Result<std::vector<Image>> ImportLayers(std::vector<testing::LayerBlob> layers);
  Result<std::vector<Image>> ImportTar(const testing::TarFile& tar) {
    return ImportLayers({testing::LayerBlob::Gzip(tar)});
  }
  /// Names in a folder of the store, "layers" or "blobs/sha256" or "tmp".
  [[nodiscard]] std::vector<std::string> Names(const std::string& folder) const;
  static struct stat Stat(const std::filesystem::path& file);
  static bool IsWhiteout(const std::filesystem::path& file);
  /// That nothing of a failed import is left.
  void ExpectNothingLeft() const;

  [[nodiscard]] std::filesystem::path root() const { return directory_ / "store"; }
  [[nodiscard]] const testing::TempDirectory& directory() const { return directory_; }
  Store& store() { return *store_; }

 private:
  testing::TempDirectory directory_;
  std::unique_ptr<Store> store_;
  int layouts_ = 0;
};

}  // namespace trivet::image
