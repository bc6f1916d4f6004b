#include <fcntl.h>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "tests/integration/image/image_store_test.h"

namespace trivet::image {
namespace {

using ::testing::ElementsAre;
using ::trivet::testing::IsOk;
using ::trivet::testing::LayerBlob;
using ::trivet::testing::TarFile;

// What overlayfs makes of the layers. Nothing is attached to the host's tree: the names are read
// through the detached mount's descriptor.
class OverlayTest : public ImageStoreTest {
 protected:
  static std::filesystem::path Show(const DetachedMount& mount) {
    return "/proc/self/fd/" + std::to_string(mount.fd());
  }
};

TEST_F(OverlayTest, ShowsWhatTheImageMeans) {
  const auto images = ImportLayers(
      {LayerBlob::Gzip(TarFile().File("etc/keep", "1").File("etc/gone", "1").File("var/old", "1")),
       LayerBlob::Gzip(TarFile()
                           .File("etc/.wh.gone", "")
                           .Folder("var")
                           .File("var/.wh..wh..opq", "")
                           .File("var/new", "2"))});
  ASSERT_THAT(images, IsOk());

  const auto mount = DetachedMount::Overlay({.lower = images->at(0).LowerDirectories()});

  ASSERT_THAT(mount, IsOk());
  EXPECT_THAT(*ListDirectory(Show(*mount)), ElementsAre("etc", "var"));
  EXPECT_THAT(*ListDirectory(Show(*mount) / "etc"), ElementsAre("keep"));
  EXPECT_THAT(*ListDirectory(Show(*mount) / "var"), ElementsAre("new"));
}

TEST_F(OverlayTest, TakesAsManyLayersAsAnImageMayHave) {
  std::vector<LayerBlob> layers;
  for (int i = 0; i < 128; ++i) {
    layers.push_back(LayerBlob::Gzip(TarFile().File("f" + std::to_string(i), "x")));
  }
  const auto images = ImportLayers(layers);
  ASSERT_THAT(images, IsOk());

  const auto mount = DetachedMount::Overlay({.lower = images->at(0).LowerDirectories()});

  ASSERT_THAT(mount, IsOk());
  EXPECT_EQ(ListDirectory(Show(*mount))->size(), 128U);
}

}  // namespace
}  // namespace trivet::image
