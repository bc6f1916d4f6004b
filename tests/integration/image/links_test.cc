#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <memory>
#include <sstream>

#include "common/linux/file.h"
#include "tests/integration/image/image_store_test.h"

namespace trivet::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::trivet::testing::IsOk;
using ::trivet::testing::LayerBlob;
using ::trivet::testing::TarFile;

// Entries below symbolic links of the same layer.
class LayerLinksTest : public ImageStoreTest {
 protected:
  /// The folder of the highest of these layers.
  std::filesystem::path Unpack(const std::vector<TarFile>& tars) {
    std::vector<LayerBlob> layers;
    for (const TarFile& tar : tars) layers.push_back(LayerBlob::Gzip(tar));
    const auto images = ImportLayers(std::move(layers));
    EXPECT_THAT(images, IsOk());
    return images ? images->at(0).layer_directories.back() : std::filesystem::path();
  }
  std::filesystem::path Unpack(const TarFile& tar) { return Unpack(std::vector{tar}); }

  static bool IsOpaque(const std::filesystem::path& folder) {
    return ::lgetxattr(folder.c_str(), "trusted.overlay.opaque", nullptr, 0) == 1;
  }
};

TEST_F(LayerLinksTest, AreFollowedToWhatTheyPointTo) {
  const auto layer = Unpack(TarFile()
                                .Folder("usr/lib", {.mode = 0711, .mtime_seconds = 1111111111})
                                .Symlink("lib", "usr/lib")
                                .File("lib/libc.so", "c")
                                .Folder("lib/d", {.mode = 0700, .mtime_seconds = 1234567890})
                                .Symlink("lib/d/up", "..")
                                .File("lib/d/up/e", "e"));

  EXPECT_EQ(std::filesystem::read_symlink(layer / "lib"), "usr/lib");
  EXPECT_EQ(*ReadFile(layer / "usr/lib/libc.so"), "c");
  EXPECT_EQ(*ReadFile(layer / "usr/lib/e"), "e");
  EXPECT_EQ(Stat(layer / "usr/lib/d").st_mode, S_IFDIR | 0700U);
  EXPECT_EQ(Stat(layer / "usr/lib/d").st_mtime, 1234567890);
  EXPECT_EQ(Stat(layer / "usr/lib").st_mtime, 1111111111);
}

TEST_F(LayerLinksTest, NeverLeadOutOfTheLayer) {
  const auto victim = directory() / "victim";
  ASSERT_THAT(EnsureDirectory(victim), IsOk());
  ASSERT_THAT(WriteFileVolatile(victim / "f", "kept"), IsOk());
  const std::string up = "../../../../../../../../../..";

  const auto layer = Unpack(TarFile()
                                .Symlink("absolute", victim.native())
                                .Symlink("d/up", up + victim.native())
                                .File("absolute/a", "x")
                                .File("d/up/b", "x")
                                .File("d/up/f", "x")
                                .HardLink("absolute/h", "d/up/b")
                                .File("absolute/.wh.w", "")
                                .Folder("absolute/o")
                                .File("absolute/o/.wh..wh..opq", ""));

  EXPECT_THAT(*ListDirectory(victim), ElementsAre("f"));
  EXPECT_EQ(*ReadFile(victim / "f"), "kept");
  const auto inside = layer / victim.relative_path();
  EXPECT_THAT(*ListDirectory(inside), ElementsAre("a", "b", "f", "h", "o", "w"));
  EXPECT_EQ(Stat(inside / "h").st_ino, Stat(inside / "b").st_ino);
}

TEST_F(LayerLinksTest, AreFollowedAsOftenAsTheKernelDoesIt) {
  TarFile tar;
  for (int i = 0; i < 39; ++i) tar.Symlink(std::to_string(i), std::to_string(i + 1));

  const auto layer = Unpack(tar.Symlink("39", "./d//").File("0/f", "x"));

  EXPECT_EQ(*ReadFile(layer / "d/f"), "x");
}

TEST_F(LayerLinksTest, LeadHardLinksToTheirTargets) {
  const auto layer = Unpack(TarFile()
                                .File("d/f", "x")
                                .Symlink("l", "/d")
                                .Symlink("d/s", "/nowhere")
                                .HardLink("h", "l/f")
                                .HardLink("l/g", "d/f")
                                .HardLink("t", "l/s"));

  EXPECT_EQ(Stat(layer / "h").st_ino, Stat(layer / "d/f").st_ino);
  EXPECT_EQ(Stat(layer / "d/g").st_ino, Stat(layer / "d/f").st_ino);
  EXPECT_EQ(std::filesystem::read_symlink(layer / "t"), "/nowhere");
}

TEST_F(LayerLinksTest, LeadWhiteoutsToWhatIsGone) {
  const auto layer = Unpack({TarFile().File("usr/lib/old", "x").File("usr/share/old", "x"),
                             TarFile()
                                 .Symlink("lib", "usr/lib")
                                 .File("lib/.wh.old", "")
                                 .Symlink("s", "usr/share")
                                 .File("s/.wh..wh..opq", "")});

  EXPECT_TRUE(IsWhiteout(layer / "usr/lib/old"));
  EXPECT_TRUE(IsOpaque(layer / "usr/share"));
}

// The folder is gone and a link is there instead: what the link points to is not meant.
TEST_F(LayerLinksTest, SayNothingAboutWhiteoutsBeforeThem) {
  const auto layer = Unpack({TarFile().File("lib/x", "1").File("usr/lib/x", "1"),
                             TarFile().File("lib/.wh.x", "").Symlink("lib", "usr/lib")});

  EXPECT_THAT(*ListDirectory(layer), ElementsAre("lib"));
  EXPECT_EQ(std::filesystem::read_symlink(layer / "lib"), "usr/lib");
}

TEST_F(LayerLinksTest, MakeAFolderOfAWhiteoutThatTheyPointTo) {
  const auto layer =
      Unpack({TarFile().File("etc/gone/old", "x"),
              TarFile().File("etc/.wh.gone", "").Symlink("l", "etc/gone").File("l/x", "new")});

  EXPECT_EQ(*ReadFile(layer / "etc/gone/x"), "new");
  EXPECT_TRUE(IsOpaque(layer / "etc/gone"));
}

TEST_F(LayerLinksTest, GiveTheFoldersBehindThemTheLookThatTheyHaveBelow) {
  const auto layer = Unpack({TarFile().Folder("var/tmp", {.mode = 01777, .gid = 9}),
                             TarFile().Symlink("tmp", "/var/tmp").File("tmp/f", "x")});

  EXPECT_EQ(Stat(layer / "var/tmp").st_mode, S_IFDIR | 01777U);
  EXPECT_EQ(Stat(layer / "var/tmp").st_gid, 9U);
}

/// What is logged while this is there.
class Log {
 public:
  Log() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(stream_)));
  }
  ~Log() { spdlog::set_default_logger(previous_); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  [[nodiscard]] std::string text() const { return stream_.str(); }

 private:
  std::ostringstream stream_;
  std::shared_ptr<spdlog::logger> previous_ = spdlog::default_logger();
};

TEST_F(LayerLinksTest, AreNamedInTheLogWhenAPathOfAHigherLayerHidesThem) {
  const TarFile base = TarFile().File("usr/lib/a", "a").Symlink("l\nib", "usr/lib").Folder("d");
  const Log log;
  Unpack({base, TarFile().File("d/x", "x").Symlink("m", "d").File("m/y", "y")});
  Unpack({base, TarFile().File("l\nib/x", "x").File(".wh.l\nib", "")});
  Unpack({base, TarFile().Folder("l\nib")});
  EXPECT_EQ(log.text(), "");

  Unpack({base, TarFile().File("l\nib/d/x", "x")});
  EXPECT_THAT(log.text(),
              HasSubstr("a folder hides a symbolic link of a layer below layer=sha256:"));
  EXPECT_THAT(log.text(), HasSubstr("path='l\\x0aib'\n"));
}

// As containerd, CRI-O and Docker do on overlayfs: they unpack a layer beside those below it.
TEST_F(LayerLinksTest, OfALayerBelowAreHiddenByTheFolderThatAPathMentions) {
  const auto layer = Unpack({TarFile().File("usr/lib/libc.so", "c").Symlink("lib", "usr/lib"),
                             TarFile().File("lib/x", "x")});

  EXPECT_EQ(Stat(layer / "lib").st_mode, S_IFDIR | 0755U);
  EXPECT_EQ(*ReadFile(layer / "lib/x"), "x");
  EXPECT_FALSE(std::filesystem::exists(layer / "usr"));
}

}  // namespace
}  // namespace trivet::image
