#include "common/linux/bare_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"

namespace trivet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

std::string Names(const std::filesystem::path& folder) {
  std::string names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names += entry.path().native() + " ";
  }
  return names;
}

class BareMountsTest : public testing::NamespaceTest {
 protected:
  // In a copy of the namespace.
  static void InCopy(const std::function<void()>& look) {
    const auto bare = MakeBareMounts("/run");
    ASSERT_THAT(bare, IsOk());
    std::thread([&] {
      ASSERT_EQ(::unshare(CLONE_FS), 0);
      ASSERT_EQ(::setns(bare->get(), CLONE_NEWNS), 0);
      ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
      look();
    }).join();
  }
};

TEST_F(BareMountsTest, HaveNothingOfTheNode) {
  InCopy([] {
    EXPECT_THAT(Names("/"), IsEmpty());
    EXPECT_NE(::access("/proc/self", F_OK), 0);
  });
}

TEST_F(BareMountsTest, HaveNoPlaceToWriteTo) {
  InCopy([] {
    EXPECT_LT(::open("/file", O_CREAT | O_RDWR | O_CLOEXEC, 0600), 0);
    EXPECT_EQ(errno, EROFS);
  });
}

TEST_F(BareMountsTest, HaveNoPlaceToWriteToForWhoMakesThemWritableEither) {
  InCopy([] {
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND, nullptr), 0);
    EXPECT_LT(::open("/file", O_CREAT | O_RDWR | O_CLOEXEC, 0600), 0);
    EXPECT_EQ(errno, ENOSPC);
  });
}

TEST_F(BareMountsTest, TakeARootThatCoversThem) {
  auto root = DetachedMount::Tmpfs({});
  ASSERT_THAT(root, IsOk());
  const UniqueFd folder(::fcntl(root->fd(), F_DUPFD_CLOEXEC, 0));
  ASSERT_EQ(::mkdirat(folder.get(), "etc", 0755), 0);
  InCopy([&] {
    ASSERT_THAT(std::move(*root).AttachTo("/"), IsOk());
    ASSERT_EQ(::fchdir(folder.get()), 0);
    ASSERT_EQ(::chroot("."), 0);
    EXPECT_EQ(Names("/"), "/etc ");
    EXPECT_EQ(Names("/.."), "/../etc ");
  });
}

TEST_F(BareMountsTest, LeaveTheCallersMountsAsTheyAre) {
  const std::string before = *ReadFile("/proc/thread-self/mountinfo");
  ASSERT_THAT(MakeBareMounts("/run"), IsOk());
  EXPECT_EQ(*ReadFile("/proc/thread-self/mountinfo"), before);
  EXPECT_THAT(Names("/"), HasSubstr("/proc"));
}

TEST_F(BareMountsTest, NeedAPlaceToBeMadeAt) {
  EXPECT_THAT(MakeBareMounts("/run/absent"), FailsWith(Code::kNotFound, "/run/absent"));
}

}  // namespace
}  // namespace trivet
