#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "common/linux/file.h"
#include "tests/integration/image/image_store_test.h"

namespace trivet::image {
namespace {

using ::trivet::testing::IsOk;
using ::trivet::testing::LayerBlob;
using ::trivet::testing::TarFile;

// A version 2 file capability: cap_net_raw, permitted and effective.
const std::string kNetRaw(
    "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00",
    20);

class UnpackTest : public ImageStoreTest {
 protected:
  /// The folders of the imported layers, lowest first.
  std::vector<std::filesystem::path> Unpack(std::vector<LayerBlob> layers) {
    auto images = ImportLayers(std::move(layers));
    EXPECT_THAT(images, IsOk());
    return images ? images->at(0).layer_directories : std::vector<std::filesystem::path>{};
  }
  std::filesystem::path Unpack(const TarFile& tar) { return Unpack({LayerBlob::Gzip(tar)}).at(0); }

  static std::string Xattr(const std::filesystem::path& file, const char* name) {
    char value[256];
    const ssize_t n = ::lgetxattr(file.c_str(), name, value, sizeof value);
    return n < 0 ? "" : std::string(value, static_cast<size_t>(n));
  }
};

TEST_F(UnpackTest, KeepsOwnerModeTimeAndContent) {
  const auto layer = Unpack(TarFile().Folder("bin").File(
      "bin/su", "text", {.mode = 04755, .uid = 7, .gid = 8, .mtime_seconds = 1234567890}));

  const struct stat info = Stat(layer / "bin/su");
  EXPECT_EQ(info.st_mode, S_IFREG | 04755U);
  EXPECT_EQ(info.st_uid, 7U);
  EXPECT_EQ(info.st_gid, 8U);
  EXPECT_EQ(info.st_mtime, 1234567890);
  EXPECT_EQ(*ReadFile(layer / "bin/su"), "text");
}

TEST_F(UnpackTest, SetsAFoldersTimeAfterItsContent) {
  const auto layer =
      Unpack(TarFile().Folder("d", {.mode = 01777, .mtime_seconds = 1111111111}).File("d/f", "x"));

  EXPECT_EQ(Stat(layer / "d").st_mtime, 1111111111);
  EXPECT_EQ(Stat(layer / "d").st_mode, S_IFDIR | 01777U);
}

TEST_F(UnpackTest, KeepsCapabilitiesAndUserAttributesAndDropsLabels) {
  const auto layer = Unpack(TarFile().File(
      "ping", "x",
      {.mode = 0755,
       .uid = 5,
       .xattrs = {
           {"security.capability", kNetRaw}, {"user.note", "n"}, {"security.selinux", "label"}}}));

  EXPECT_EQ(Xattr(layer / "ping", "security.capability"), kNetRaw);
  EXPECT_EQ(Xattr(layer / "ping", "user.note"), "n");
  EXPECT_EQ(Xattr(layer / "ping", "security.selinux"), "");
}

TEST_F(UnpackTest, LinksHardAndSymbolicAsTheyAre) {
  const auto layer = Unpack(TarFile()
                                .File("bin/busybox", "b")
                                .HardLink("bin/sh", "bin/busybox")
                                .Symlink("abs", "/etc/passwd")
                                .Symlink("up", "../../../x")
                                .HardLink("abs2", "abs"));

  EXPECT_EQ(Stat(layer / "bin/sh").st_ino, Stat(layer / "bin/busybox").st_ino);
  EXPECT_EQ(std::filesystem::read_symlink(layer / "abs"), "/etc/passwd");
  EXPECT_EQ(std::filesystem::read_symlink(layer / "up"), "../../../x");
  EXPECT_EQ(std::filesystem::read_symlink(layer / "abs2"), "/etc/passwd");
}

// As ko writes its layers, and with it many images of the field.
TEST_F(UnpackTest, TakesAbsolutePathsAsBelowTheContainersRoot) {
  const auto layer = Unpack(TarFile()
                                .Folder("/")
                                .File("/ko-app/server", "binary")
                                .HardLink("/ko-app/again", "/ko-app/server")
                                .File("/etc/.wh.motd", ""));

  EXPECT_EQ(*ReadFile(layer / "ko-app/server"), "binary");
  EXPECT_EQ(*ReadFile(layer / "ko-app/again"), "binary");
  EXPECT_TRUE(IsWhiteout(layer / "etc/motd"));
}

TEST_F(UnpackTest, MakesFifosAndLongNamesAndNamesThatAreNotAscii) {
  const std::string folder(120, 'd');
  const std::string file = folder + "/" + std::string(200, 'f');
  const auto layer = Unpack(TarFile()
                                .Node('6', "fifo")
                                .File(file, "long")
                                .File("gr\xc3\xbc\xc3\x9f", "utf-8")
                                .File(std::string(150, 'u') + "\xc3\xbc", "pax")
                                .File("latin\xfc", "raw"));

  EXPECT_TRUE(S_ISFIFO(Stat(layer / "fifo").st_mode));
  EXPECT_EQ(*ReadFile(layer / file), "long");
  EXPECT_EQ(*ReadFile(layer / "gr\xc3\xbc\xc3\x9f"), "utf-8");
  EXPECT_EQ(*ReadFile(layer / (std::string(150, 'u') + "\xc3\xbc")), "pax");
  EXPECT_EQ(*ReadFile(layer / "latin\xfc"), "raw");
}

TEST_F(UnpackTest, ReadsPlainGzipAndZstdLayers) {
  const auto layers = Unpack({LayerBlob::Plain(TarFile().File("a", "1").bytes()),
                              LayerBlob::Gzip(TarFile().File("b", "2").bytes()),
                              LayerBlob::Zstd(TarFile().File("c", "3").bytes())});

  ASSERT_EQ(layers.size(), 3U);
  EXPECT_EQ(*ReadFile(layers[0] / "a"), "1");
  EXPECT_EQ(*ReadFile(layers[1] / "b"), "2");
  EXPECT_EQ(*ReadFile(layers[2] / "c"), "3");
}

TEST_F(UnpackTest, ReadsAFileLargerThanAnyBuffer) {
  std::string content(size_t{3} << 20, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 2654435761U >> 24);

  const auto layer = Unpack(TarFile().File("large", content));

  EXPECT_EQ(*ReadFile(layer / "large"), content);
}

TEST_F(UnpackTest, TurnsWhiteoutsIntoOverlaysOwn) {
  const auto layers = Unpack({LayerBlob::Gzip(TarFile().File("etc/gone", "x").File("var/old", "x")),
                              LayerBlob::Gzip(TarFile()
                                                  .File("etc/.wh.gone", "")
                                                  .Folder("var")
                                                  .File("var/.wh..wh..opq", "")
                                                  .File(".wh..wh.plnk/1.2", "aufs")
                                                  .Node('3', "dev/null0"))});

  EXPECT_TRUE(IsWhiteout(layers[1] / "etc/gone"));
  EXPECT_EQ(Xattr(layers[1] / "var", "trusted.overlay.opaque"), "y");
  EXPECT_TRUE(IsWhiteout(layers[1] / "dev/null0"));
  EXPECT_FALSE(std::filesystem::exists(layers[1] / ".wh..wh.plnk"));
}

TEST_F(UnpackTest, LetsALayersOwnEntryWinOverItsWhiteout) {
  const auto layers =
      Unpack({LayerBlob::Gzip(TarFile().File("a", "old").File("d/old", "old")),
              LayerBlob::Gzip(
                  TarFile().File(".wh.a", "").File("a", "new").Folder("d").File(".wh.d", ""))});

  EXPECT_EQ(*ReadFile(layers[1] / "a"), "new");
  EXPECT_EQ(Xattr(layers[1] / "d", "trusted.overlay.opaque"), "y");
}

// Some tools name what was in a folder beside the folder.
TEST_F(UnpackTest, LetsAWhiteoutStandForThoseBelowIt) {
  const auto layers = Unpack({LayerBlob::Gzip(TarFile().File("d/old", "old")),
                              LayerBlob::Gzip(TarFile().File(".wh.d", "").File("d/.wh.old", ""))});

  EXPECT_TRUE(IsWhiteout(layers[1] / "d"));
}

TEST_F(UnpackTest, MakesAFolderThatALayerLeavesOutAsItIsBelow) {
  const auto layers = Unpack({LayerBlob::Gzip(TarFile().Folder("tmp", {.mode = 01777, .gid = 9})),
                              LayerBlob::Gzip(TarFile().File("other", "x")),
                              LayerBlob::Gzip(TarFile().File("tmp/f", "x").File("new/f", "x"))});

  EXPECT_EQ(Stat(layers[2] / "tmp").st_mode, S_IFDIR | 01777U);
  EXPECT_EQ(Stat(layers[2] / "tmp").st_gid, 9U);
  EXPECT_EQ(Stat(layers[2] / "new").st_mode, S_IFDIR | 0755U);
}

TEST_F(UnpackTest, GivesTheRootTheModeThatTheImageSays) {
  const auto layers = Unpack({LayerBlob::Gzip(TarFile().Folder("./", {.mode = 0711})),
                              LayerBlob::Gzip(TarFile().File("f", "x"))});

  EXPECT_EQ(Stat(layers[0]).st_mode, S_IFDIR | 0711U);
  EXPECT_EQ(Stat(layers[1]).st_mode, S_IFDIR | 0711U);
}

TEST_F(UnpackTest, TakesAFolderTwice) {
  const auto layer = Unpack(TarFile().Folder("d").File("d/f", "x").Folder("d", {.mode = 0700}));

  EXPECT_EQ(Stat(layer / "d").st_mode, S_IFDIR | 0700U);
}

}  // namespace
}  // namespace trivet::image
