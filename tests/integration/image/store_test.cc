#include <atomic>
#include <fstream>
#include <thread>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "tests/integration/image/image_store_test.h"

namespace trivet::image {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::LayerBlob;
using ::trivet::testing::OciLayout;
using ::trivet::testing::TarFile;

const LayerBlob& BaseLayer() {
  static const LayerBlob layer = LayerBlob::Gzip(TarFile().File("base", "base"));
  return layer;
}
LayerBlob Layer(const std::string& name) {
  return LayerBlob::Gzip(TarFile().File(name, name));
}

class StoreTest : public ImageStoreTest {
 protected:
  /// Imports an image "localhost/test/<name>:1" on the common layer; its id.
  std::string ImportNamed(const std::string& name) {
    OciLayout layout;
    const std::string id =
        layout.Add({.name = "localhost/test/" + name + ":1", .layers = {BaseLayer(), Layer(name)}});
    EXPECT_THAT(Import(layout), IsOk());
    return id;
  }
  std::vector<std::string> TagsOf(const std::string& id) {
    const auto image = store().Find(id);
    return image ? image->repo_tags : std::vector<std::string>{"absent"};
  }
};

TEST_F(StoreTest, FindsAnImageByEachOfItsNames) {
  OciLayout layout;
  const std::string id = layout.Add({.name = "busybox",
                                     .layers = {BaseLayer()},
                                     .config = {{"User", "7"}, {"Entrypoint", {"/bin/sh"}}}});
  const auto images = Import(layout);

  ASSERT_THAT(images, IsOk());
  const Image& image = images->at(0);
  EXPECT_EQ(image.id, id);
  EXPECT_THAT(image.repo_tags, ElementsAre("docker.io/library/busybox:latest"));
  ASSERT_THAT(image.repo_digests, SizeIs(1));
  EXPECT_GT(image.size_bytes, 0U);
  EXPECT_EQ(image.config.user.uid, 7U);
  EXPECT_THAT(image.config.entrypoint, ElementsAre("/bin/sh"));
  for (const std::string& name :
       {id, id.substr(7), id.substr(7, 12), std::string("busybox"),
        std::string("docker.io/library/busybox:latest"), image.repo_digests[0]}) {
    ASSERT_TRUE(store().Find(name).has_value()) << name;
    EXPECT_EQ(store().Find(name)->id, id);
  }
  EXPECT_FALSE(store().Find("busybox:2").has_value());
}

TEST_F(StoreTest, ImportsAllImagesOfAnArchiveOrTheOneThatIsNamed) {
  OciLayout layout;
  layout.Add({.name = "localhost/a:1", .layers = {BaseLayer()}});
  const std::string b = layout.Add({.name = "localhost/b:1", .layers = {Layer("b")}});
  const auto file = directory() / "both.tar";
  layout.WriteArchive(file);

  const auto named = store().Import({.path = file, .name = "localhost/b:1"});
  ASSERT_THAT(named, IsOk());
  EXPECT_EQ(named->at(0).id, b);
  EXPECT_THAT(store().List(), SizeIs(1));
  EXPECT_THAT(store().Import({.path = file, .name = "localhost/c:1"}),
              FailsWith(Code::kNotFound, "no image called 'localhost/c:1'"));
  EXPECT_THAT(*store().Import({.path = file}), SizeIs(2));
  EXPECT_THAT(store().List(), SizeIs(2));
}

TEST_F(StoreTest, TakesTheManifestForThisMachineFromAnIndex) {
  OciLayout inner;
  const std::string id = inner.Add({.name = "", .layers = {BaseLayer()}});
  const auto ours = (*json::Parse(inner.files()["index.json"]))["manifests"][0];
  auto other = inner.AddBlob("application/vnd.oci.image.manifest.v1+json", "{}");
  other["platform"] = {{"os", "linux"}, {"architecture", "vax"}};
  const json::Value index = {{"schemaVersion", 2}, {"manifests", {other, ours}}};
  OciLayout layout;
  layout.files().insert(inner.files().begin(), inner.files().end());
  const auto published =
      layout.AddBlob("application/vnd.oci.image.index.v1+json", json::Write(index));
  layout.List(published, "localhost/multi:1");

  const auto images = Import(layout);

  ASSERT_THAT(images, IsOk());
  EXPECT_EQ(images->at(0).id, id);
  EXPECT_THAT(images->at(0).repo_digests,
              ElementsAre("localhost/multi@" + published["digest"].get<std::string>()));
}

TEST_F(StoreTest, MovesATagToTheImageThatCameLast) {
  const std::string first = ImportNamed("a");
  OciLayout layout;
  const std::string second = layout.Add({.name = "localhost/test/a:1", .layers = {Layer("new")}});
  ASSERT_THAT(Import(layout), IsOk());

  EXPECT_THAT(TagsOf(first), IsEmpty());
  EXPECT_THAT(TagsOf(second), ElementsAre("localhost/test/a:1"));
}

TEST_F(StoreTest, RemovesAllTagsOfAnImageWithOne) {
  OciLayout layout;
  layout.Add({.name = "localhost/a:1", .layers = {BaseLayer()}});
  layout.Add({.name = "localhost/b:2", .layers = {BaseLayer()}});  // the same image
  ASSERT_THAT(Import(layout), IsOk());
  ASSERT_THAT(store().List(), SizeIs(1));

  EXPECT_THAT(store().Remove("localhost/a:1"), IsOk());

  EXPECT_FALSE(store().Find("localhost/b:2").has_value());
  ExpectNothingLeft();
  EXPECT_THAT(store().Remove("localhost/a:1"), IsOk());  // repeatable
}

TEST_F(StoreTest, KeepsALayerWhileAnImageNeedsIt) {
  ImportNamed("a");
  ImportNamed("b");
  EXPECT_THAT(Names("layers"), SizeIs(3));  // the common one and one each

  EXPECT_THAT(store().Remove("localhost/test/a:1"), IsOk());
  EXPECT_THAT(Names("layers"), SizeIs(2));
  EXPECT_THAT(store().Remove("localhost/test/b:1"), IsOk());
  ExpectNothingLeft();
}

TEST_F(StoreTest, KeepsTheLayersOfARemovedImageForTheContainerThatUsesIt) {
  const std::string id = ImportNamed("a");
  const auto pinned = store().PinFor("localhost/test/a:1", "container");
  ASSERT_THAT(pinned, IsOk());
  ASSERT_THAT(store().Remove(id), IsOk());

  EXPECT_THAT(store().List(), IsEmpty());
  EXPECT_FALSE(store().Find(id).has_value());
  EXPECT_TRUE(std::filesystem::exists(pinned->layer_directories[1] / "a"));
  EXPECT_EQ(store().PinnedBy("container")->id, id);
  EXPECT_THAT(store().PinFor(id, "other"), FailsWith(Code::kNotFound, "is not present"));

  EXPECT_THAT(store().Unpin("container"), IsOk());
  EXPECT_THAT(store().Unpin("container"), IsOk());
  ExpectNothingLeft();
}

TEST_F(StoreTest, KeepsPinsThatAreGivenAtStart) {
  const std::string id = ImportNamed("a");
  ASSERT_THAT(store().PinFor(id, "container"), IsOk());
  ASSERT_THAT(store().Remove(id), IsOk());

  Open({{"container", id}});
  EXPECT_EQ(store().PinnedBy("container")->id, id);
  EXPECT_THAT(Names("layers"), SizeIs(2));
  Open();
  ExpectNothingLeft();
}

TEST_F(StoreTest, FindsItsImagesAgainAfterARestart) {
  const std::string id = ImportNamed("a");
  const Image before = *store().Find(id);

  Open();

  const auto after = store().Find("localhost/test/a:1");
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->id, id);
  EXPECT_EQ(after->size_bytes, before.size_bytes);
  EXPECT_EQ(after->layer_directories, before.layer_directories);
  EXPECT_EQ(after->repo_digests, before.repo_digests);
}

TEST_F(StoreTest, RemovesWhatACrashLeftAtStart) {
  ImportNamed("a");
  const auto layers = Names("layers");
  const auto blobs = Names("blobs/sha256");
  ASSERT_THAT(EnsureDirectory(root() / "tmp/7/0/root"), IsOk());
  ASSERT_THAT(EnsureDirectory(root() / "layers" / std::string(64, 'f') / "root"), IsOk());
  std::ofstream(root() / "blobs/sha256/.x.1.tmp") << "half";

  Open();

  EXPECT_THAT(Names("tmp"), IsEmpty());
  EXPECT_EQ(Names("layers"), layers);
  EXPECT_EQ(Names("blobs/sha256"), blobs);
}

TEST_F(StoreTest, ForgetsAnImageWithADamagedPartAndTakesItAgain) {
  const std::string id = ImportNamed("a");
  std::ofstream(root() / "blobs/sha256" / id.substr(7)) << "damage";
  Open();
  ExpectNothingLeft();

  EXPECT_EQ(ImportNamed("a"), id);
  ASSERT_THAT(RemoveTree(root() / "layers" / Names("layers").at(0)), IsOk());
  Open();
  EXPECT_FALSE(store().Find(id).has_value());
}

TEST_F(StoreTest, KeepsTheLayersOfADamagedImageUnderAContainer) {
  const std::string id = ImportNamed("a");
  std::ofstream(root() / "blobs/sha256" / id.substr(7)) << "damage";

  Open({{"container", id}});

  EXPECT_FALSE(store().Find(id).has_value());
  EXPECT_EQ(store().PinnedBy("container")->id, id);
  EXPECT_THAT(Names("layers"), SizeIs(2));
  EXPECT_EQ(ImportNamed("a"), id);
  EXPECT_TRUE(store().Find(id).has_value());
  ASSERT_THAT(store().Remove(id), IsOk());
  EXPECT_THAT(store().Unpin("container"), IsOk());
  ExpectNothingLeft();
}

TEST_F(StoreTest, GivesNoImageUpForALayerOfANewerVersion) {
  ImportNamed("a");
  const auto layers = Names("layers");
  const auto record = root() / "layers" / layers.at(0) / "layer.json";
  const std::string text = *ReadFile(record);
  std::ofstream(record) << R"({"version":2})";

  EXPECT_THAT(Reopen(), FailsWith(Code::kFailedPrecondition, "layer.json: version 2"));
  EXPECT_EQ(Names("layers"), layers);

  std::ofstream(record) << text;
  Open();
  EXPECT_THAT(store().List(), SizeIs(1));
}

// The kubelet removes images because the disk is full.
TEST_F(StoreTest, RemovesAnImageFromAFullDisk) {
  const auto disk = DetachedMount::Tmpfs({{"size", "2m"}});
  ASSERT_THAT(disk, IsOk());
  const std::filesystem::path root = "/proc/self/fd/" + std::to_string(disk->fd());
  auto full = Store::Open({.root = root});
  ASSERT_THAT(full, IsOk());
  OciLayout layout;
  layout.Add({.layers = {LayerBlob::Gzip(TarFile().File("a", std::string(1 << 20, 'x')))}});
  layout.WriteFolder(directory() / "layout");
  const auto images =
      (*full)->Import({.kind = Location::Kind::kFolder, .path = directory() / "layout"});
  ASSERT_THAT(images, IsOk());
  std::ofstream filler(root / "filler", std::ios::binary);
  while (filler << std::string(4096, 'x') << std::flush) {
  }

  EXPECT_THAT((*full)->Remove(images->at(0).id), IsOk());

  EXPECT_EQ(ListDirectory(root / "layers")->size(), 0U);
  full->reset();
  full = Store::Open({.root = root});
  ASSERT_THAT(full, IsOk());
  EXPECT_EQ((*full)->List().size(), 0U);
}

TEST_F(StoreTest, RefusesARecordThatItCannotRead) {
  std::ofstream(root() / "images.json") << R"({"version":2,"images":[]})";
  EXPECT_THAT(Store::Open({.root = root()}), FailsWith(Code::kAborted, ""));  // still open here
  const auto other = directory() / "other";
  ASSERT_THAT(EnsureDirectory(other), IsOk());
  std::ofstream(other / "images.json") << R"({"version":2,"images":[]})";

  EXPECT_THAT(Store::Open({.root = other}),
              FailsWith(Code::kFailedPrecondition, "images.json: version 2 is newer"));
}

TEST_F(StoreTest, GivesAnImageWithoutLayersAnEmptyFolder) {
  const auto images = ImportLayers({});

  ASSERT_THAT(images, IsOk());
  ASSERT_THAT(images->at(0).layer_directories, SizeIs(1));
  EXPECT_THAT(*ListDirectory(images->at(0).layer_directories[0]), IsEmpty());
}

TEST_F(StoreTest, CountsWhatLayersTakeOnce) {
  ImportNamed("a");
  const FsUsage one = store().Usage();
  ImportNamed("a");
  EXPECT_EQ(store().Usage().used_bytes, one.used_bytes);
  EXPECT_EQ(store().Usage().used_inodes, one.used_inodes);

  ImportNamed("b");
  EXPECT_GT(store().Usage().used_bytes, one.used_bytes);
  EXPECT_EQ(one.mountpoint, root());
}

TEST_F(StoreTest, UnpacksALayerOnceHoweverManyImportIt) {
  constexpr int kImports = 8;
  OciLayout layout;
  layout.Add({.layers = {BaseLayer(),
                         LayerBlob::Gzip(TarFile().File("large", std::string(4 << 20, 'x')))}});
  const auto file = directory() / "image.tar";
  layout.WriteArchive(file);

  std::atomic<int> succeeded{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kImports; ++i) {
    threads.emplace_back([&] { succeeded += store().Import({.path = file}).has_value() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(succeeded, kImports);
  EXPECT_THAT(store().List(), SizeIs(1));
  EXPECT_THAT(Names("layers"), SizeIs(2));
  EXPECT_THAT(Names("tmp"), IsEmpty());
}

TEST_F(StoreTest, ImportsAndRemovesAtTheSameTime) {
  std::vector<std::thread> threads;
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < 3; ++i) {
    OciLayout layout;
    layout.Add({.name = "localhost/n:" + std::to_string(i),
                .layers = {BaseLayer(), Layer(std::to_string(i))}});
    files.push_back(directory() / ("n" + std::to_string(i)));
    layout.WriteArchive(files.back());
  }
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 10; ++round) {
        EXPECT_THAT(store().Import({.path = files[static_cast<size_t>(i)]}), IsOk());
        EXPECT_THAT(store().Remove("localhost/n:" + std::to_string(i)), IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  ExpectNothingLeft();
}

}  // namespace
}  // namespace trivet::image
