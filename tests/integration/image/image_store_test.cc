#include "tests/integration/image/image_store_test.h"

#include <sys/sysmacros.h>

#include "common/linux/file.h"

namespace trivet::image {

using ::testing::IsEmpty;
using ::trivet::testing::IsOk;

std::string Deep(int levels) {
  std::string path;
  for (int i = 0; i < levels; ++i) path += "d/";
  return path + "f";
}

void ImageStoreTest::SetUp() {
  testing::RootTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  Open();
}

void ImageStoreTest::Open(std::vector<Pin> pins, Limits limits) {
  store_.reset();
  auto opened = Store::Open({.root = root(), .limits = limits, .pins = std::move(pins)});
  ASSERT_THAT(opened, IsOk());
  store_ = std::move(*opened);
}

Result<std::unique_ptr<Store>> ImageStoreTest::Reopen() {
  store_.reset();
  return Store::Open({.root = root()});
}

Result<std::vector<Image>> ImageStoreTest::Import(const testing::OciLayout& layout,
                                                  const std::string& name) {
  const auto folder = directory_ / ("layout" + std::to_string(layouts_++));
  layout.WriteFolder(folder);
  return store_->Import({.kind = Location::Kind::kFolder, .path = folder, .name = name});
}

Result<std::vector<Image>> ImageStoreTest::ImportLayers(std::vector<testing::LayerBlob> layers) {
  testing::OciLayout layout;
  layout.Add({.layers = std::move(layers)});
  return Import(layout);
}

std::vector<std::string> ImageStoreTest::Names(const std::string& folder) const {
  return *ListDirectory(root() / folder);
}

struct stat ImageStoreTest::Stat(const std::filesystem::path& file) {
  struct stat info{};
  EXPECT_EQ(::lstat(file.c_str(), &info), 0) << file;
  return info;
}

bool ImageStoreTest::IsWhiteout(const std::filesystem::path& file) {
  const struct stat info = Stat(file);
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

void ImageStoreTest::ExpectNothingLeft() const {
  EXPECT_THAT(store_->List(), IsEmpty());
  EXPECT_THAT(Names("layers"), IsEmpty());
  EXPECT_THAT(Names("blobs/sha256"), IsEmpty());
  EXPECT_THAT(Names("tmp"), IsEmpty());
}

}  // namespace trivet::image
