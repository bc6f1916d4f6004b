#include "cri-runtime/container/mounts.h"

#include <sys/mount.h>

#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using testing::FailsWith;

uint64_t AttributesAt(const std::vector<shim::MountSpec>& mounts, const std::string& target) {
  for (const shim::MountSpec& mount : mounts) {
    if (mount.target == target) return mount.attributes;
  }
  return 0;
}

TEST(StandardMounts, MakesTheKernelsTreesReadOnly) {
  const auto mounts = StandardMounts({});
  EXPECT_NE(AttributesAt(mounts, "/sys") & MOUNT_ATTR_RDONLY, 0u);
  EXPECT_NE(AttributesAt(mounts, "/sys/fs/cgroup") & MOUNT_ATTR_RDONLY, 0u);
  EXPECT_EQ(AttributesAt(mounts, "/proc") & MOUNT_ATTR_RDONLY, 0u);
}

TEST(StandardMounts, LetsAPrivilegedContainerWriteThem) {
  EXPECT_EQ(AttributesAt(StandardMounts({.privileged = true}), "/sys") & MOUNT_ATTR_RDONLY, 0u);
}

TEST(PrepareMounts, NamesAHostPathOfACdiFileThatIsNotThere) {
  FdTable fds;
  const Config config{
      .mounts = {{.container_path = "/dev/shm", .host_path = "/tmp"},
                 {.container_path = "/etc/hosts", .host_path = "/tmp"},
                 {.container_path = "/etc/hostname", .host_path = "/tmp"},
                 {.container_path = "/etc/resolv.conf", .host_path = "/tmp"},
                 {.container_path = "/data", .host_path = "/nowhere/at/all", .injected = true}}};
  // Without the privilege to copy a mount the first one fails already, by another code.
  const auto mounts = PrepareMounts(config, {}, fds);
  ASSERT_FALSE(mounts.has_value());
  if (mounts.error().code() == Code::kPermissionDenied) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
  EXPECT_THAT(mounts,
              FailsWith(Code::kNotFound, "mount /data: host_path: open_tree /nowhere/at/all"));
}

}  // namespace
}  // namespace trivet::container
