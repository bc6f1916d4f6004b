#include "csi/pool/io_limiter.h"

#include <sys/sysmacros.h>

#include <fstream>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

const dev_t kDevice = makedev(7, 3);

void Put(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

TEST(IoLimiter, WritesIoMaxOfEachGroupBelowTheRoot) {
  const TempDirectory root;
  Put(root / "cgroup.controllers", "cpu io memory\n");
  Put(root / "kubepods" / "io.max", "");
  Put(root / "system" / "io.max", "");
  const IoLimiter limiter(root.path(), {"/"});

  ASSERT_TRUE(limiter.can_limit());
  EXPECT_FALSE(limiter.must_repeat());
  EXPECT_THAT(limiter.Apply(kDevice, {.read_bytes_per_second = 1000}), IsOk());
  for (const char* group : {"kubepods", "system"}) {
    EXPECT_EQ(*ReadFile(root / group / "io.max"), "7:3 rbps=1000 wbps=max riops=max wiops=max");
  }
}

TEST(IoLimiter, LeavesAGroupThatIsAsItShouldBe) {
  const TempDirectory root;
  Put(root / "cgroup.controllers", "io\n");
  const std::string as_it_is = "7:3 rbps=max wbps=max riops=9 wiops=max\n";
  Put(root / "pods" / "io.max", as_it_is);
  const IoLimiter limiter(root.path(), {"/pods", "/gone"});

  EXPECT_THAT(limiter.Apply(kDevice, {.read_operations_per_second = 9}), IsOk());
  EXPECT_EQ(*ReadFile(root / "pods" / "io.max"), as_it_is);
  EXPECT_THAT(limiter.Apply(kDevice, {}), IsOk());
  EXPECT_NE(*ReadFile(root / "pods" / "io.max"), as_it_is) << "a limit that is over is taken away";
}

TEST(IoLimiter, WritesEveryGroupOfV1) {
  const TempDirectory root;
  for (const char* group : {"", "pods", "pods/a"}) {
    for (const char* what : {"read_bps", "write_bps", "read_iops", "write_iops"}) {
      Put(root / "blkio" / group / ("blkio.throttle." + std::string(what) + "_device"), "");
    }
  }
  const IoLimiter limiter(root.path(), {"/pods"});

  EXPECT_TRUE(limiter.must_repeat());
  EXPECT_THAT(limiter.Apply(kDevice, {.write_operations_per_second = 5}), IsOk());
  EXPECT_EQ(*ReadFile(root / "blkio/blkio.throttle.write_iops_device"), "");
  EXPECT_EQ(*ReadFile(root / "blkio/pods/blkio.throttle.write_iops_device"), "7:3 5");
  EXPECT_EQ(*ReadFile(root / "blkio/pods/a/blkio.throttle.write_iops_device"), "7:3 5");
  EXPECT_EQ(*ReadFile(root / "blkio/pods/a/blkio.throttle.read_iops_device"), "");
}

TEST(IoLimiter, SaysWhenItCannot) {
  const TempDirectory root;
  const IoLimiter limiter(root.path(), {"/"});
  EXPECT_FALSE(limiter.can_limit());
  EXPECT_THAT(limiter.Apply(kDevice, {}), IsOk());
  EXPECT_THAT(limiter.Apply(kDevice, {.read_bytes_per_second = 1}),
              FailsWith(Code::kFailedPrecondition, "no io"));
}

TEST(LineOfDevice, IsOfThatDeviceOnly) {
  EXPECT_EQ(LineOfDevice("7:30 rbps=1\n7:3 rbps=2\n", "7:3"), "rbps=2");
  EXPECT_EQ(LineOfDevice("7:30 rbps=1\n", "7:3"), "");
}

}  // namespace
}  // namespace trivet::csi
