// What pools of whole devices must never do to a disk: take one that holds something, or leave it
// as it is.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/integration/csi/device_test.h"
#include "tests/integration/csi/volume_health.h"

namespace trivet::csi {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(DevicePools, TakeNoDeviceThatSomethingIsOnOrThatSomebodyUses) {
  const std::string id = Created("large", {"block", 320 * kMiB});
  EXPECT_EQ(Capacity(), 64 * kMiB);
  WriteTo(small_, 512, "data");
  EXPECT_EQ(Capacity(), 0) << "data without a signature";
  WriteTo(small_, 512, std::string(4, '\0'));
  EXPECT_EQ(Capacity(), 64 * kMiB);

  RunProgram("/usr/sbin/mkfs.ext4", {"-q", small_});
  EXPECT_EQ(Capacity(), 0) << "a file system";
  ASSERT_EQ(::mkdir(Path("mnt").c_str(), 0700), 0);
  ASSERT_EQ(::mount(small_.c_str(), Path("mnt").c_str(), "ext4", 0, nullptr), 0);
  EXPECT_EQ(Capacity(), 0) << "a mount";
  ASSERT_EQ(::umount(Path("mnt").c_str()), 0);
  WriteTo(small_, 0, std::string(1 << 20, '\0'));
  EXPECT_EQ(Capacity(), 64 * kMiB);
  const UniqueFd exclusive(::open(small_.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
  EXPECT_EQ(Capacity(), 0) << "somebody has it for himself";
  EXPECT_EQ(Delete(id), grpc::OK) << message();
}

TEST_F(DevicePools, TakeNoDeviceWithALabelAtItsEnd) {
  EXPECT_EQ(Capacity(), 320 * kMiB);
  // Of a RAID of the DDF kind: its header is in the last sector, and the rest of it empty.
  WriteTo(large_, 320 * kMiB - 512, "\xde\x11\xde\x11");
  EXPECT_EQ(Capacity(), 64 * kMiB);
  std::string id;
  EXPECT_EQ(Create("pvc", kXfs, id), grpc::RESOURCE_EXHAUSTED);
}

TEST_F(DevicePools, TakeNoDeviceWithPartitionsAndAPartitionOnlyByItsName) {
  // As the kernel does with the entry of a table: from 1 MiB on, 100 MiB.
  RunProgram("/usr/bin/addpart", {large_, "1", "2048", "204800"});
  const std::string partition = large_ + "p1";
  ASSERT_EQ(::access(partition.c_str(), F_OK), 0);
  EXPECT_EQ(Capacity(), 64 * kMiB) << "a disk with partitions";
  WriteTo(large_, 0, "table");
  StartWith(R"({"name": "whole", "type": "device", "devices": [")" + large_ + "p*\"]}");
  EXPECT_EQ(Capacity(), 0) << "a partition, by a pattern";
  StartWith(R"({"name": "whole", "type": "device", "devices": [")" + partition + "\"]}");
  EXPECT_EQ(Capacity(), 100 * kMiB);
  const std::string id = Created("pvc", kExt4);
  EXPECT_EQ(Stage(id, kExt4), grpc::OK) << message();
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
  EXPECT_EQ(Delete(id), grpc::OK) << message();
  EXPECT_EQ(Capacity(), 100 * kMiB);
  std::string start(5, '\0');
  std::ifstream(Path("large.disk")).read(start.data(), 5);
  EXPECT_EQ(start, "table") << "the rest of the disk is not the volume's";
  RunProgram("/usr/bin/delpart", {large_, "1"});
}

TEST_F(DevicePools, NeverTakeAnotherDiskForTheVolumes) {
  const std::string id = Created("pvc-1", kExt4);
  Kill();
  std::filesystem::remove(Path("disks/small"));
  const std::string other = AddDisk("other", 64 * kMiB);
  std::filesystem::create_symlink(other, Path("disks/small"));
  Start();
  EXPECT_EQ(Stage(id, kExt4), grpc::FAILED_PRECONDITION);
  EXPECT_THAT(message(), HasSubstr("is another device than the volume's"));
  WriteTo(other, 4096, "theirs");
  EXPECT_EQ(Delete(id), grpc::OK) << message();
  EXPECT_FALSE(IsEmpty(Path("other.disk"))) << "a stranger's disk was wiped";
}

class GoneDevices : public DevicePools, public ::testing::WithParamInterface<Kind> {
 protected:
  // What the node says is wrong with it.
  std::vector<std::string> Reasons(const std::string& id) {
    const auto health = HealthOf(node(), id);
    std::vector<std::string> reasons;
    for (const auto& entry : health.health_statuses()) {
      EXPECT_EQ(entry.status(), ::csi::v1::INACCESSIBLE) << entry.reason();
      reasons.push_back(entry.reason());
    }
    return reasons;
  }
};

TEST_P(GoneDevices, KeepNoPodFromGoingAway) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc", kind);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
  WriteData(kind, "t", "data");
  EXPECT_THAT(Reasons(id), ::testing::IsEmpty());
  TakeAway();
  EXPECT_THAT(Reasons(id), ElementsAre("DeviceMissing"));
  EXPECT_EQ(Stage(id, kind), grpc::UNAVAILABLE) << message();
  EXPECT_THAT(message(), HasSubstr("disks/small is gone"));
  Restart();
  EXPECT_EQ(Delete(id), grpc::UNAVAILABLE) << "it is in use: " << message();
  for (int i = 0; i < 2; ++i) ASSERT_EQ(Unpublish(id), grpc::OK) << message();
  for (int i = 0; i < 2; ++i) ASSERT_EQ(Unstage(id), grpc::OK) << message();
  EXPECT_EQ(Stage(id, kind), grpc::UNAVAILABLE) << message();
  EXPECT_THAT(message(), HasSubstr("disks/small is not there"));
  EXPECT_THAT(Reasons(id), ElementsAre("DeviceMissing"));
  BringBack();
  EXPECT_THAT(Reasons(id), ::testing::IsEmpty());
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
  EXPECT_EQ(ReadData(kind, "t", 4), "data");
  EXPECT_EQ(Unpublish(id), grpc::OK) << message();
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
}

TEST_P(GoneDevices, AreNotMistakenForTheOneThatHasTheirName) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc", kind);
  ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
  ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
  TakeAway();
  const std::string other = AddDisk("other", 64 * kMiB);
  std::filesystem::create_symlink(other, Path("disks/small"));
  EXPECT_THAT(Reasons(id), ElementsAre("DeviceMissing"));
  EXPECT_EQ(Unpublish(id), grpc::OK) << message();
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
  EXPECT_EQ(Stage(id, kind), grpc::FAILED_PRECONDITION) << message();
}

INSTANTIATE_TEST_SUITE_P(Kinds, GoneDevices, ::testing::Values(kExt4, kBlock),
                         [](const auto& row) { return row.param.name; });

// Without a signature, and with nothing at its start: no look at it would find out that it was a
// volume.
TEST_F(DevicePools, AreNeverGivenToAnotherVolumeUnwiped) {
  const std::string large = Created("large", kXfs);
  const std::string id = Created("pvc", kExt4);
  WriteTo(small_, 1 << 20, "secret");
  TakeAway();
  EXPECT_EQ(Delete(id), grpc::OK) << "of a disk that is broken: " << message();
  EXPECT_EQ(List().size(), 1U);
  BringBack();
  EXPECT_EQ(Capacity(), 0);
  Restart();
  EXPECT_EQ(Capacity(), 0);
  EXPECT_THAT(
      RunProgram(std::string(std::getenv("TRIVET_BIN_DIR")) + "/trivet-csi",
                 {"--check-config", "--node-id", "n", "--config", Path("csi.json"), "--state-dir",
                  Path("state")}),
      AllOf(HasSubstr("it was not wiped after volume " + id), HasSubstr("it is volume " + large)));
  std::string again;
  EXPECT_EQ(Create("pvc", kExt4, again), grpc::RESOURCE_EXHAUSTED);

  const std::string other = AddDisk("other", 64 * kMiB);
  EXPECT_EQ(Capacity(), 64 * kMiB) << "of another disk";
  EXPECT_EQ(Create("pvc", kExt4, again), grpc::FAILED_PRECONDITION);
  TakeAway();
  std::filesystem::rename(Path("disks/other"), Path("disks/small"));
  EXPECT_EQ(Capacity(), 64 * kMiB) << "of another disk in its place";
}

TEST_F(DevicePools, AreKnownAsAttachedByTheMarkOfAnOlderVersion) {
  const std::string id = Created("pvc", kExt4);
  ASSERT_EQ(Stage(id, kExt4), grpc::OK) << message();
  Kill();
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::ofstream(Path("state/devices/" + id + ".attached")) << boot;
  Start();
  ASSERT_EQ(Publish(id, kExt4), grpc::OK) << message();
  EXPECT_EQ(Unpublish(id), grpc::OK) << message();
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
}

}  // namespace
}  // namespace trivet::csi
