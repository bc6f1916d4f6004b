#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <thread>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "tests/integration/image/image_store_test.h"

namespace trivet::image {
namespace {

using ::testing::ElementsAre;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::LayerBlob;
using ::trivet::testing::TarFile;

// Device nodes in layers.
class LayerDevicesTest : public ImageStoreTest {
 protected:
  std::filesystem::path Unpack(const TarFile& tar) {
    const auto images = ImportTar(tar);
    EXPECT_THAT(images, IsOk());
    return images ? images->at(0).layer_directories.back() : std::filesystem::path();
  }
};

TEST_F(LayerDevicesTest, AreMadeWithOwnerModeAndTime) {
  const auto layer =
      Unpack(TarFile()
                 .Node('3', "dev/null", 1, 3,
                       {.mode = 0666, .uid = 7, .gid = 8, .mtime_seconds = 1234567890})
                 .Node('4', "dev/sda", 8, 0, {.mode = 0640, .xattrs = {{"user.note", "dropped"}}})
                 .Node('3', "dev/last", 0xfff, 0xfffff)
                 .HardLink("null", "dev/null"));

  const struct stat info = Stat(layer / "dev/null");
  EXPECT_EQ(info.st_mode, S_IFCHR | 0666U);
  EXPECT_EQ(info.st_rdev, makedev(1, 3));
  EXPECT_EQ(info.st_uid, 7U);
  EXPECT_EQ(info.st_gid, 8U);
  EXPECT_EQ(info.st_mtime, 1234567890);
  EXPECT_EQ(Stat(layer / "null").st_ino, info.st_ino);
  EXPECT_EQ(Stat(layer / "dev/sda").st_mode, S_IFBLK | 0640U);
  EXPECT_EQ(Stat(layer / "dev/sda").st_rdev, makedev(8, 0));
  EXPECT_EQ(Stat(layer / "dev/last").st_rdev, makedev(0xfff, 0xfffff));
}

// Only a character device 0:0 hides what is below, and what the layer has itself wins over it.
TEST_F(LayerDevicesTest, AreWhiteoutsWithOneNumberOnly) {
  const auto images = ImportLayers(
      {LayerBlob::Gzip(TarFile().File("gone", "1").File("block", "1").File("char", "1")),
       LayerBlob::Gzip(TarFile()
                           .Node('3', "gone", 0, 0)
                           .Node('4', "block", 0, 0)
                           .Node('3', "char", 0, 1)
                           .Node('3', "own", 0, 0)
                           .File("own", "2"))});
  ASSERT_THAT(images, IsOk());

  const auto mount = DetachedMount::Overlay({.lower = images->at(0).LowerDirectories()});

  ASSERT_THAT(mount, IsOk());
  const std::filesystem::path seen = "/proc/self/fd/" + std::to_string(mount->fd());
  EXPECT_THAT(*ListDirectory(seen), ElementsAre("block", "char", "own"));
  EXPECT_EQ(Stat(seen / "block").st_mode & S_IFMT, S_IFBLK);
  EXPECT_EQ(Stat(seen / "char").st_rdev, makedev(0, 1));
  EXPECT_EQ(*ReadFile(seen / "own"), "2");
}

// Of this thread.
void DropCapability(unsigned capability) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  ASSERT_EQ(::syscall(SYS_capget, &header, data), 0);
  data[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
  ASSERT_EQ(::syscall(SYS_capset, &header, data), 0);
}

// As in a user namespace.
TEST_F(LayerDevicesTest, AreRefusedPlainlyWhereNoneCanBeMade) {
  std::thread([&] {
    DropCapability(CAP_MKNOD);
    EXPECT_THAT(ImportTar(TarFile().Node('3', "dev/mem", 1, 1)),
                FailsWith(Code::kPermissionDenied,
                          "entry 'dev/mem': a device node (char 1:1): making it takes CAP_MKNOD"));
    EXPECT_THAT(ImportTar(TarFile().File(".wh.x", "")), IsOk());
  }).join();
}

}  // namespace
}  // namespace trivet::image
