#include "common/linux/mount.h"

#include <sys/mount.h>
#include <sys/statfs.h>

#include <fstream>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"

namespace trivet {
namespace {

using ::testing::ElementsAre;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

// /run is a tmpfs of the test's own; everything is made there.
class MountTest : public testing::NamespaceTest {
 protected:
  static std::filesystem::path Folder(const std::string& name) {
    const std::filesystem::path path = std::filesystem::path("/run") / name;
    std::filesystem::create_directories(path);
    return path;
  }
  static void Write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file) << text;
  }
  static int MountCount() {
    std::ifstream mounts("/proc/self/mountinfo");
    int count = 0;
    for (std::string line; std::getline(mounts, line);) ++count;
    return count;
  }
};

TEST_F(MountTest, OverlayShowsTheTopLayerOverTheOthers) {
  Write(Folder("base") / "file", "base");
  Write(Folder("top") / "file", "top");
  auto overlay = DetachedMount::Overlay({.lower = {"/run/top", "/run/base"}});
  ASSERT_THAT(overlay, IsOk());

  ASSERT_THAT(std::move(*overlay).AttachTo(Folder("root")), IsOk());

  EXPECT_EQ(*ReadFile("/run/root/file"), "top");
}

TEST_F(MountTest, OverlayWritesToTheUpperFolder) {
  Folder("base");
  auto overlay = DetachedMount::Overlay({.lower = {"/run/base"},
                                         .upper = Folder("upper"),
                                         .work = Folder("work"),
                                         .is_volatile = true});
  ASSERT_THAT(overlay, IsOk());
  ASSERT_THAT(std::move(*overlay).AttachTo(Folder("root")), IsOk());

  Write("/run/root/new", "x");

  EXPECT_EQ(*ReadFile("/run/upper/new"), "x");
  EXPECT_THAT(*ListDirectory("/run/base"), ElementsAre());
}

TEST_F(MountTest, OverlayTakesMoreLayersThanOneOptionPageCouldHold) {
  OverlaySpec spec;
  for (int i = 0; i < 200; ++i) {
    spec.lower.push_back(Folder("layers/" + std::string(60, 'x') + std::to_string(i)));
  }
  EXPECT_THAT(DetachedMount::Overlay(spec), IsOk());
}

// Linux before 6.7 needs another way for these than for a few.
TEST_F(MountTest, OverlayOfManyLayersIsWritableInTheirOrderAndNowhereUntilAttached) {
  OverlaySpec spec{.upper = Folder("upper"), .work = Folder("work"), .is_volatile = true};
  for (int i = 0; i < 60; ++i) {
    spec.lower.push_back(Folder("layers/" + std::string(60, 'x') + std::to_string(i)));
    Write(spec.lower.back() / "file", std::to_string(i));
  }
  const int before = MountCount();

  auto overlay = DetachedMount::Overlay(spec);

  ASSERT_THAT(overlay, IsOk());
  EXPECT_EQ(MountCount(), before);
  ASSERT_THAT(std::move(*overlay).AttachTo(Folder("root")), IsOk());
  EXPECT_EQ(*ReadFile("/run/root/file"), "0");
  Write("/run/root/new", "x");
  EXPECT_EQ(*ReadFile("/run/upper/new"), "x");
}

TEST_F(MountTest, OverlayTakesAColonInAFolderName) {
  EXPECT_THAT(DetachedMount::Overlay({.lower = {Folder("a:b"), Folder("c")}}), IsOk());
}

TEST_F(MountTest, OverlayNamesAMissingLayerFolder) {
  EXPECT_THAT(DetachedMount::Overlay({.lower = {"/run/absent", Folder("base")}}),
              FailsWith(Code::kNotFound, "overlay"));
}

TEST_F(MountTest, FailureCarriesTheKernelsOwnWords) {
  EXPECT_THAT(DetachedMount::New("tmpfs", {{"no-such-option", "1"}}),
              FailsWith(Code::kInvalidArgument, "no-such-option"));
}

TEST_F(MountTest, IsInvisibleUntilAttachedAndUnmountedWhenDropped) {
  const int before = MountCount();
  {
    auto mount = DetachedMount::Tmpfs({{"size", "1m"}});
    ASSERT_THAT(mount, IsOk());
    EXPECT_EQ(MountCount(), before);
  }
  EXPECT_EQ(MountCount(), before);
}

TEST_F(MountTest, BindWithTheWholeTreeCanBeReadOnlyAllTheWayDown) {
  Folder("tree");
  auto inner = DetachedMount::Tmpfs({});
  ASSERT_THAT(std::move(*inner).AttachTo(Folder("tree/inner")), IsOk());
  auto bind = DetachedMount::Bind(std::filesystem::path("/run/tree"), Recursion::kWholeTree);
  ASSERT_THAT(bind, IsOk());

  ASSERT_THAT(bind->SetAttributes(MOUNT_ATTR_RDONLY, Recursion::kWholeTree), IsOk());
  ASSERT_THAT(std::move(*bind).AttachTo(Folder("copy")), IsOk());

  EXPECT_THAT(WriteFileVolatile("/run/copy/inner/file", "x"),
              FailsWith(Code::kPermissionDenied, "Read-only"));
  EXPECT_THAT(WriteFileVolatile("/run/tree/inner/file", "x"), IsOk());
}

TEST_F(MountTest, UnmountingWhatIsNotMountedSucceeds) {
  EXPECT_THAT(Unmount(Folder("plain")), IsOk());
  EXPECT_THAT(Unmount("/run/absent"), IsOk());
}

TEST_F(MountTest, KnowsWhereAMountBegins) {
  auto mount = DetachedMount::Tmpfs({});
  ASSERT_THAT(std::move(*mount).AttachTo(Folder("there")), IsOk());
  EXPECT_TRUE(*IsMountPoint("/run/there"));
  EXPECT_FALSE(*IsMountPoint(Folder("plain")));
}

}  // namespace
}  // namespace trivet
