#include "tests/integration/image/image_store_test.h"

namespace trivet::image {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::TarFile;

/// A layer that is refused: one error that names the entry and the reason.
struct BadTar {
  std::string name;
  TarFile tar;
  Code code;
  std::string words;
};
class BadLayer : public ImageStoreTest, public ::testing::WithParamInterface<BadTar> {};

TEST_P(BadLayer, IsRefusedAndLeavesNothing) {
  const auto images = ImportTar(GetParam().tar);

  EXPECT_THAT(images, FailsWith(GetParam().code, GetParam().words));
  EXPECT_THAT(images, FailsWith(GetParam().code, "layer 0 (sha256:"));
  ExpectNothingLeft();
}

constexpr Code kInvalid = Code::kInvalidArgument;
INSTANTIATE_TEST_SUITE_P(
    Import, BadLayer,
    ::testing::Values(
        BadTar{"DotDot", TarFile().File("a/../../etc/x", "x"), kInvalid,
               "entry 'a/../../etc/x': the path has a '..'"},
        BadTar{"HardLinkOut", TarFile().HardLink("a", "../../etc/passwd"), kInvalid,
               "hard link to '../../etc/passwd': the path has a '..'"},
        BadTar{"AbsoluteDotDot", TarFile().File("/../etc/x", "x"), kInvalid,
               "entry '/../etc/x': the path has a '..'"},
        BadTar{"AbsoluteHardLink", TarFile().HardLink("a", "/etc/passwd"), kInvalid,
               "entry 'a': the hard link's target is not in the layer"},
        BadTar{"HardLinkToNothing", TarFile().HardLink("a", "b"), kInvalid, "is not in the layer"},
        BadTar{"HardLinkThroughSymlink",
               TarFile().Symlink("out", "/etc").HardLink("a", "out/passwd"), kInvalid,
               "entry 'a': the hard link's target is not in the layer"},
        BadTar{"HardLinkToAWhiteout", TarFile().File(".wh.gone", "").HardLink("a", "gone"),
               kInvalid, "the hard link's target is not in the layer"},
        BadTar{"FileThroughItself", TarFile().Symlink("a", "a").File("a/x", "x"), kInvalid,
               "entry 'a/x': the path goes through more than 40 symbolic links"},
        BadTar{"FolderThroughACircle",
               TarFile().Symlink("d/a", "../b").Symlink("b", "/d/a").Folder("b/x"), kInvalid,
               "goes through more than 40 symbolic links"},
        BadTar{"WhiteoutThroughACircle", TarFile().Symlink("a", "a/..").File("a/.wh.x", ""),
               kInvalid, "goes through more than 40 symbolic links"},
        BadTar{"HardLinkThroughACircle", TarFile().Symlink("a", "a").HardLink("b", "a/x"), kInvalid,
               "entry 'b': hard link: the path goes through more than 40"},
        BadTar{"DeepThroughSymlink", TarFile().Symlink("a", Deep(300)).File("a/x", "x"),
               Code::kResourceExhausted, "deeper than 256 behind its symbolic links"},
        BadTar{"DeepWhiteoutThroughSymlink",
               TarFile().Symlink("a", Deep(200)).File("a/" + Deep(100) + "/.wh.x", ""),
               Code::kResourceExhausted, "deeper than 256 behind its symbolic links"},
        BadTar{"SymlinkToAFile", TarFile().File("f", "x").Symlink("a", "f").File("a/x", "x"),
               kInvalid, "entry 'a/x': the path goes through a file"},
        BadTar{"FileOverSymlink", TarFile().Symlink("out", "/tmp/x").File("out", "x"),
               Code::kAlreadyExists, "entry 'out': the layer has this name twice"},
        BadTar{"FolderOverSymlink", TarFile().Symlink("out", "/tmp").Folder("out"),
               Code::kAlreadyExists, "the layer has this name twice"},
        BadTar{"FileTwice", TarFile().File("a", "1").File("./a", "2"), Code::kAlreadyExists,
               "entry './a': the layer has this name twice"},
        BadTar{"FileAsFolder", TarFile().File("a", "1").File("a/b", "2"), kInvalid,
               "goes through a file"},
        BadTar{"RootIsAFile", TarFile().File(".", "x"), kInvalid, "the root must be a folder"},
        BadTar{"DeviceMajorOutOfRange", TarFile().Node('3', "etc/passwd", 0x1000, 0), kInvalid,
               "entry 'etc/passwd': device number 4096:0 is out of range"},
        BadTar{"DeviceMinorOutOfRange", TarFile().Node('3', "a", 0, 0x100000), kInvalid,
               "device number 0:1048576 is out of range"},
        BadTar{"DeviceTwice", TarFile().Node('3', "a", 1, 3).Node('4', "a", 1, 3),
               Code::kAlreadyExists, "the layer has this name twice"},
        BadTar{"DeviceAsFolder", TarFile().Node('3', "a", 1, 3).File("a/b", "x"), kInvalid,
               "goes through a file"},
        BadTar{"HardLinkToAWhiteoutsDevice", TarFile().Node('3', "a").HardLink("b", "a"), kInvalid,
               "the hard link's target is not in the layer"},
        BadTar{"OverlayXattr",
               TarFile().File("a", "x", {.xattrs = {{"trusted.overlay.redirect", "/x"}}}), kInvalid,
               "xattr trusted.overlay.redirect is not an image's to set"},
        BadTar{"MalformedCapability",
               TarFile().File("a", "x", {.xattrs = {{"security.capability", "junk"}}}), kInvalid,
               "set xattr security.capability"},
        BadTar{"UidOfMinusOne", TarFile().File("a", "x", {.uid = 4294967295}), kInvalid,
               "uid 4294967295 is out of range"},
        BadTar{"WhiteoutOfParent", TarFile().File("a/.wh...", ""), kInvalid,
               "a whiteout of nothing"},
        BadTar{"ThroughWhiteout", TarFile().File(".wh.a/b", ""), kInvalid,
               "goes through a whiteout"},
        BadTar{"TooDeep", TarFile().File(Deep(256), "x"), Code::kResourceExhausted,
               "deeper than 256"},
        BadTar{"LongPath", TarFile().File(".wh." + std::string(5000, 'n'), ""), kInvalid,
               "the path is too long: 5004 bytes"},
        BadTar{"LongName", TarFile().File(std::string(256, 'n'), "x"), kInvalid, "too long"},
        BadTar{"EscapeInName", TarFile().HardLink("a\x1b[2J", "b"), kInvalid, "'a\\x1b[2J'"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace trivet::image
