#include <gmock/gmock.h>

#include "common/linux/criu.h"
#include "cri-runtime/checkpoint/criu.h"
#include "cri-runtime/checkpoint/external.h"

namespace trivet::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kNode =
    "21 1 254:0 / / rw - ext4 /dev/vda rw\n"
    "22 21 0:6 / /dev rw - devtmpfs devtmpfs rw\n"
    "23 21 0:90 / /var/lib/kubelet/pods/p/volumes/ram rw - tmpfs tmpfs rw\n";

TEST(ExternalMountsTest, WhatIsMountedFromTheNodeIsNotTheContainers) {
  constexpr const char* kContainer =
      "52 59 0:42 / / rw - overlay overlay rw\n"
      "55 52 254:0 /pods/hosts /etc/hosts rw - ext4 /dev/vda rw\n"
      "56 52 0:6 /null /proc/keys rw - devtmpfs devtmpfs rw\n"
      "57 52 0:90 / /ram rw shared:4 - tmpfs tmpfs rw\n";
  EXPECT_THAT(
      FindExternalMounts(kContainer, kNode),
      ElementsAre("mnt[/etc/hosts]:/etc/hosts", "mnt[/proc/keys]:/proc/keys", "mnt[/ram]:/ram"));
}

TEST(ExternalMountsTest, WhatTheContainerHasForItselfIsLeftToCriu) {
  constexpr const char* kContainer =
      "60 52 0:45 / /proc rw - proc proc rw\n"
      "61 52 0:46 / /dev rw - tmpfs tmpfs rw\n"
      "62 60 0:45 /sys /proc/sys ro - proc proc rw\n"
      "63 61 0:48 / /dev/pts rw - devpts devpts rw\n"
      "64 61 0:40 / /dev/mqueue rw - mqueue mqueue rw\n"
      "65 52 0:49 / /sys ro - sysfs sysfs rw\n";
  EXPECT_THAT(FindExternalMounts(kContainer, kNode), IsEmpty());
}

TEST(ExternalMountsTest, WhatCriuCannotMakeAnewIsNamed) {
  constexpr const char* kContainer =
      "66 61 0:48 /0 /dev/console rw - devpts devpts rw\n"
      "67 52 0:50 /c /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
      "68 52 0:51 / /image rw - overlay overlay rw\n";
  EXPECT_THAT(FindExternalMounts(kContainer, kNode),
              ElementsAre("mnt[/dev/console]:/dev/console", "mnt[/image]:/image",
                          "mnt[/sys/fs/cgroup]:/sys/fs/cgroup"));
}

TEST(ExternalMountsTest, NamesAreAsTheyAreAndAreThereOnce) {
  constexpr const char* kContainer =
      "70 52 254:0 /a /a\\040b\\134c rw - ext4 /dev/vda rw\n"
      "71 70 254:0 /b /a\\040b\\134c rw - ext4 /dev/vda rw\n"
      "broken\n";
  EXPECT_THAT(FindExternalMounts(kContainer, kNode), ElementsAre("mnt[/a b\\c]:/a b\\c"));
}

TEST(CriuLogTest, TheErrorsThatMatterAreTheReason) {
  EXPECT_EQ(criu::FindErrors("(00.1) Error (criu/util.c:1534): rlimit: Can't setup\n"
                             "(00.2) Warn  (criu/x.c:1): whatever\n"
                             "(00.3) Error (criu/tty.c:9): tty: No master\n"
                             "(00.4) Error (criu/cr-dump.c:1): Dumping FAILED.\n"),
            "tty: No master; Dumping FAILED.");
  EXPECT_EQ(criu::FindErrors("all is well"), "");
}

}  // namespace
}  // namespace trivet::checkpoint
