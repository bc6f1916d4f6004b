#include <fstream>

#include "common/linux/file.h"
#include "tests/integration/image/image_store_test.h"

namespace trivet::image {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::LayerBlob;
using ::trivet::testing::OciLayout;
using ::trivet::testing::TarFile;

constexpr Code kInvalid = Code::kInvalidArgument;

class BadLayout : public ImageStoreTest {
 protected:
  static OciLayout Good() {
    OciLayout layout;
    layout.Add({.layers = {LayerBlob::Gzip(TarFile().File("a", std::string(5000, 'x')))}});
    return layout;
  }
  void ExpectRefused(const OciLayout& layout, Code code, const std::string& words) {
    EXPECT_THAT(Import(layout), FailsWith(code, words));
    EXPECT_THAT(Import(layout), FailsWith(code, "layout"));  // the folder's name
    ExpectNothingLeft();
  }
  Result<std::vector<Image>> ImportArchive(const std::string& content) {
    const auto file = directory() / "image.tar";
    std::ofstream(file, std::ios::binary) << content;
    return store().Import({.kind = Location::Kind::kArchive, .path = file});
  }
};

TEST_F(BadLayout, WithoutItsFiles) {
  for (const char* name : {"oci-layout", "index.json"}) {
    OciLayout layout = Good();
    layout.files().erase(name);
    ExpectRefused(layout, Code::kNotFound, std::string(name) + ": not in the layout");
  }
}

TEST_F(BadLayout, WithAnotherLayoutVersion) {
  OciLayout layout = Good();
  layout.files()["oci-layout"] = R"({"imageLayoutVersion":"2.0.0"})";
  ExpectRefused(layout, kInvalid, "oci-layout: imageLayoutVersion '2.0.0' is not 1.0.0");
}

TEST_F(BadLayout, WithAnIndexThatIsNotJson) {
  OciLayout layout = Good();
  layout.files()["index.json"] = "{";
  ExpectRefused(layout, kInvalid, "index.json: parse error");
}

TEST_F(BadLayout, WithAHugeIndex) {
  OciLayout layout = Good();
  layout.files()["index.json"] += std::string(5 << 20, ' ');
  ExpectRefused(layout, Code::kOutOfRange, "index.json: larger than 4194304 bytes");
}

TEST_F(BadLayout, WithAMissingBlob) {
  OciLayout layout = Good();
  std::erase_if(layout.files(), [](const auto& file) {
    return file.second.size() < 300 && file.first.starts_with("blobs/") &&
           file.second.starts_with("\x1f\x8b");
  });
  ExpectRefused(layout, Code::kNotFound, "not in the layout");
}

TEST_F(BadLayout, WithADigestThatDoesNotMatch) {
  for (const char* part : {"layers", "rootfs"}) {  // the manifest, the configuration
    OciLayout layout = Good();
    std::string& blob = layout.BlobWith(part);
    blob[blob.find(part)] = 'L';
    ExpectRefused(layout, Code::kDataLoss, "digest differs: content has sha256:");
  }
}

TEST_F(BadLayout, WithALayerOfAnotherDigest) {
  OciLayout layout = Good();
  for (auto& [name, content] : layout.files()) {
    if (content.starts_with("\x1f\x8b")) content[content.size() - 9] ^= 1;  // in the data
  }
  ExpectRefused(layout, Code::kDataLoss, "digest differs");
}

TEST_F(BadLayout, WithASizeThatDoesNotMatch) {
  OciLayout layout = Good();
  for (auto& [name, content] : layout.files()) {
    if (content.starts_with("\x1f\x8b")) content += "more";
  }
  ExpectRefused(layout, Code::kDataLoss, "bytes, the descriptor says");
}

TEST_F(BadLayout, WithAnotherDiffId) {
  OciLayout layout;
  LayerBlob layer = LayerBlob::Gzip(TarFile().File("a", "x"));
  layer.diff_id = testing::Sha256Text("other");
  layout.Add({.layers = {layer}});
  ExpectRefused(layout, Code::kDataLoss, "diff-id " + layer.diff_id + " differs");
}

TEST_F(BadLayout, WithMoreLayersThanDiffIds) {
  OciLayout layout;
  const LayerBlob layer = LayerBlob::Gzip(TarFile().File("a", "x"));
  layout.Add({.layers = {layer, layer}});
  const auto config = layout.AddBlob(
      "application/vnd.oci.image.config.v1+json",
      R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}})");
  auto manifest = *json::Parse(layout.BlobWith("layers\":[{"));
  manifest["config"] = config;
  OciLayout other;
  other.files().insert(layout.files().begin(), layout.files().end());
  other.List(other.AddBlob("application/vnd.oci.image.manifest.v1+json", json::Write(manifest)),
             "");
  ExpectRefused(other, kInvalid, "2 layers, but the configuration has 0 diff_ids");
}

TEST_F(BadLayout, WithTooManyLayers) {
  OciLayout layout;
  layout.Add({.layers = std::vector(129, LayerBlob::Gzip(TarFile().File("a", "x")))});
  ExpectRefused(layout, Code::kResourceExhausted, "129 layers, the limit is 128");
}

TEST_F(BadLayout, WithAnUnknownLayerType) {
  OciLayout layout;
  LayerBlob layer = LayerBlob::Gzip(TarFile().File("a", "x"));
  layer.media_type = "application/vnd.oci.image.layer.v1.tar+xz";
  layout.Add({.layers = {layer}});
  ExpectRefused(layout, kInvalid, "layers[0]: media type");
}

TEST_F(BadLayout, WithContentThatIsNotWhatItsTypeSays) {
  OciLayout layout;
  LayerBlob layer = LayerBlob::Gzip(TarFile().File("a", "x"));
  layer.media_type = "application/vnd.oci.image.layer.v1.tar+zstd";
  layout.Add({.layers = {layer}});
  ExpectRefused(layout, kInvalid, "tar+zstd, but the content is gzip");
}

TEST_F(BadLayout, WithALayerThatIsNotATar) {
  OciLayout layout;
  layout.Add({.layers = {LayerBlob::Gzip(std::string(5000, 'x'))}});
  ExpectRefused(layout, kInvalid, "Unrecognized archive format");
}

TEST_F(BadLayout, WithALayerThatEndsInTheMiddleOfAFile) {
  const std::string tar = TarFile().File("a", std::string(5000, 'x')).bytes();
  OciLayout layout;
  layout.Add({.layers = {LayerBlob::Gzip(tar.substr(0, 2000))}});
  ExpectRefused(layout, kInvalid, "entry 'a': Truncated tar archive");
}

TEST_F(BadLayout, WithACompressedStreamThatEndsEarly) {
  for (auto layer : {LayerBlob::Gzip(TarFile().File("a", std::string(5000, 'x')).bytes()),
                     LayerBlob::Zstd(TarFile().File("a", std::string(5000, 'x')).bytes())}) {
    layer.blob.resize(layer.blob.size() - 12);
    OciLayout layout;
    layout.Add({.layers = {layer}});
    EXPECT_FALSE(Import(layout).has_value());
    ExpectNothingLeft();
  }
}

TEST_F(BadLayout, ForAnotherMachine) {
  OciLayout layout;
  layout.Add({.layers = {}, .architecture = "vax"});
  ExpectRefused(layout, kInvalid, "the image is for linux/vax");
}

TEST_F(BadLayout, WithNothingForThisMachine) {
  OciLayout layout;
  auto descriptor = layout.AddBlob("application/vnd.oci.image.manifest.v1+json", "{}");
  descriptor["platform"] = {{"os", "linux"}, {"architecture", "vax"}};
  layout.List(descriptor, "");
  layout.List(layout.AddBlob("application/x-other", "{}"), "");
  ExpectRefused(layout, Code::kNotFound, "it has linux/vax, media type application/x-other");
}

TEST_F(BadLayout, WithANameThatIsNone) {
  OciLayout layout;
  layout.Add({.name = "No Name!", .layers = {}});
  ExpectRefused(layout, kInvalid, "image name 'No Name!'");
}

TEST_F(BadLayout, WithALinkThatLeadsOut) {
  OciLayout layout = Good();
  layout.files().erase("index.json");
  layout.WriteFolder(directory() / "linked");
  std::filesystem::create_symlink("/etc/passwd", directory() / "linked/index.json");

  EXPECT_THAT(store().Import({.kind = Location::Kind::kFolder, .path = directory() / "linked"}),
              FailsWith(kInvalid, "index.json: a link that leads out of the layout"));
  ExpectNothingLeft();
}

TEST_F(BadLayout, ThatIsNotThere) {
  EXPECT_THAT(store().Import({.kind = Location::Kind::kFolder, .path = "/no/such"}),
              FailsWith(Code::kNotFound, "/no/such"));
  EXPECT_THAT(store().Import({.kind = Location::Kind::kArchive, .path = "/no/such"}),
              FailsWith(Code::kNotFound, "/no/such"));
  EXPECT_THAT(store().Import({.kind = Location::Kind::kArchive, .path = directory().path()}),
              FailsWith(kInvalid, "a folder; for an unpacked layout write oci:"));
}

TEST_F(BadLayout, InAnArchiveThatIsTruncatedAnywhere) {
  const std::string archive = Good().Archive();
  for (size_t size = 100; size + 1024 < archive.size(); size += 300) {
    EXPECT_FALSE(ImportArchive(archive.substr(0, size)).has_value()) << size;
  }
  ExpectNothingLeft();
}

TEST_F(BadLayout, InAnArchiveWithHostileEntries) {
  EXPECT_THAT(ImportArchive(TarFile().File("../../x", "x").bytes()),
              FailsWith(kInvalid, "entry '../../x': the path has a '..'"));
  EXPECT_THAT(ImportArchive(TarFile().Symlink("index.json", "/etc/passwd").bytes()),
              FailsWith(kInvalid, "entry 'index.json': not a file"));
  EXPECT_THAT(ImportArchive(TarFile().File("index.json", "1").File("index.json", "2").bytes()),
              FailsWith(Code::kAlreadyExists, "the archive has this name twice"));
  EXPECT_THAT(ImportArchive("not a tar at all"), FailsWith(kInvalid, "image.tar"));
  EXPECT_THAT(ImportArchive(""), FailsWith(Code::kNotFound, "oci-layout: not in the archive"));
  ExpectNothingLeft();
}

class Bomb : public BadLayout {};

TEST_F(Bomb, OfEntriesEndsAtTheLimit) {
  Open({}, {.entries_per_layer = 100});
  TarFile tar;
  for (int i = 0; i < 101; ++i) tar.File("f" + std::to_string(i), "");

  EXPECT_THAT(ImportTar(tar),
              FailsWith(Code::kResourceExhausted, "more than 100 entries (imageEntriesLimit)"));
  ExpectNothingLeft();
}

// One short entry brings as many folders as its path is deep.
TEST_F(Bomb, OfFoldersThatOnlyPathsMentionEndsAtTheLimit) {
  Open({}, {.entries_per_layer = 100});
  TarFile files;
  TarFile whiteouts;
  for (int i = 0; i < 10; ++i) {
    files.File(std::to_string(i) + "/" + Deep(20), "");
    whiteouts.File(std::to_string(i) + "/" + Deep(20) + "/.wh.x", "");
  }

  EXPECT_THAT(ImportTar(files), FailsWith(Code::kResourceExhausted, "more than 100 entries, with"));
  EXPECT_THAT(ImportTar(whiteouts),
              FailsWith(Code::kResourceExhausted, "more than 100 entries, with"));
  ExpectNothingLeft();
}

TEST_F(Bomb, OfPathsThatAreRememberedEndsAtTheLimit) {
  Open({}, {.kept_path_bytes = 1000});
  TarFile folders;
  TarFile whiteouts;
  for (int i = 0; i < 10; ++i) {
    folders.Folder(std::string(200, static_cast<char>('a' + i)));
    whiteouts.File(".wh." + std::string(200, static_cast<char>('a' + i)), "");
  }

  EXPECT_THAT(ImportTar(folders),
              FailsWith(Code::kResourceExhausted, "take more than 1000 bytes (imageEntriesLimit)"));
  EXPECT_THAT(ImportTar(whiteouts),
              FailsWith(Code::kResourceExhausted, "take more than 1000 bytes (imageEntriesLimit)"));
  TarFile again;
  for (int i = 0; i < 100; ++i) again.Folder(std::string(200, 'a'));
  EXPECT_THAT(ImportTar(again), IsOk());
}

TEST_F(Bomb, OfZerosEndsAtTheRatio) {
  Open({}, {.ratio = 50, .ratio_free_bytes = 1 << 20});

  EXPECT_THAT(ImportTar(TarFile().File("zeros", std::string(8 << 20, '\0'))),
              FailsWith(Code::kResourceExhausted,
                        "unpacks to more than 50 times its size (imageRatioLimit)"));
  ExpectNothingLeft();
}

TEST_F(Bomb, OfBytesEndsAtTheImagesLimit) {
  Open({}, {.unpacked_bytes = 1 << 20});
  const auto layer = [](const char* name) {
    return LayerBlob::Zstd(TarFile().File(name, std::string(600 << 10, 'x')).bytes());
  };

  EXPECT_THAT(
      ImportLayers({layer("a"), layer("b")}),
      FailsWith(Code::kResourceExhausted, "unpacks to more than 1048576 bytes (imageBytesLimit)"));
  ExpectNothingLeft();
  EXPECT_THAT(ImportLayers({layer("a")}), IsOk());
}

TEST_F(Bomb, InAnArchiveEndsAtItsLimit) {
  Open({}, {.archive_bytes = 1000});
  EXPECT_THAT(ImportArchive(TarFile().File("blobs/sha256/x", std::string(1001, 'x')).bytes()),
              FailsWith(Code::kResourceExhausted,
                        "the archive holds more than 1000 bytes (imageArchiveBytesLimit)"));
  Open({}, {.archive_entries = 2});
  EXPECT_THAT(ImportArchive(TarFile().Folder("a").Folder("b").Folder("c").bytes()),
              FailsWith(Code::kResourceExhausted, "more than 2 entries"));
  ExpectNothingLeft();
}

TEST_F(Bomb, OfNestedIndexesEnds) {
  OciLayout layout = Good();
  auto descriptor = layout.AddBlob("application/vnd.oci.image.manifest.v1+json", "{}");
  for (int i = 0; i < 6; ++i) {
    const json::Value index = {{"schemaVersion", 2}, {"manifests", {descriptor}}};
    descriptor = layout.AddBlob("application/vnd.oci.image.index.v1+json", json::Write(index));
  }
  OciLayout nested;
  nested.files().insert(layout.files().begin(), layout.files().end());
  nested.List(descriptor, "");

  ExpectRefused(nested, Code::kResourceExhausted, "indexes nested deeper than 4");
}

}  // namespace
}  // namespace trivet::image
