#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "common/linux/file.h"
#include "tests/integration/image/image_store_test.h"

namespace trivet::image {
namespace {

using ::testing::IsEmpty;
using ::trivet::testing::IsOk;
using ::trivet::testing::LayerBlob;
using ::trivet::testing::OciLayout;
using ::trivet::testing::TarFile;

constexpr int kKills = 40;
constexpr int kFiles = 300;

// Two layers of many files, so that a kill at a random time finds an import in each of its phases.
OciLayout ManyFiles() {
  TarFile base;
  TarFile top;
  for (int i = 0; i < kFiles; ++i) {
    base.File("base/" + std::to_string(i), std::string(2000, 'x'));
    top.File("top/" + std::to_string(i), std::string(2000, 'y'));
  }
  OciLayout layout;
  layout.Add({.name = "localhost/crash:1",
              .layers = {LayerBlob::Gzip(base), LayerBlob::Zstd(top.bytes())}});
  return layout;
}

class CrashTest : public ImageStoreTest {
 protected:
  void SetUp() override {
    ImageStoreTest::SetUp();
    if (IsSkipped()) return;
    ManyFiles().WriteArchive(archive_);
  }

  // In a process of its own: imports and removes without end.
  [[noreturn]] void ImportForEver() const {
    auto store = Store::Open({.root = other_});
    if (!store) ::_exit(1);
    while (true) {
      if (!(*store)->Import({.path = archive_})) ::_exit(2);
      if (!(*store)->Remove("localhost/crash:1")) ::_exit(3);
    }
  }

  // Every image that is listed is whole.
  static void ExpectWhole(const Image& image) {
    for (const auto& layer : image.layer_directories) {
      const auto folders = *ListDirectory(layer);
      ASSERT_EQ(folders.size(), 1U) << layer;
      EXPECT_EQ(ListDirectory(layer / folders[0])->size(), static_cast<size_t>(kFiles)) << layer;
    }
  }

  const std::filesystem::path archive_ = directory() / "image.tar";
  const std::filesystem::path other_ = directory() / "other";
};

TEST_F(CrashTest, LeavesOnlyWholeImagesWheneverTheProcessIsKilled) {
  int whole = 0;
  for (int round = 0; round < kKills; ++round) {
    const pid_t child = ::fork();
    if (child == 0) ImportForEver();
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + round * 7));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child stopped by itself: " << status;

    auto store = Store::Open({.root = other_});
    ASSERT_THAT(store, IsOk());
    const auto images = (*store)->List();
    EXPECT_THAT(*ListDirectory(other_ / "tmp"), IsEmpty());
    EXPECT_EQ(ListDirectory(other_ / "layers")->size(), images.empty() ? 0U : 2U);
    EXPECT_EQ(ListDirectory(other_ / "blobs/sha256")->size(), images.empty() ? 0U : 2U);
    for (const Image& image : images) ExpectWhole(image);
    whole += images.empty() ? 0 : 1;
  }
  RecordProperty("images_found", whole);
}

}  // namespace
}  // namespace trivet::image
