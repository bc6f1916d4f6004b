// Pools of LVM with lvm2 and device-mapper themselves: for the suite "node".

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <cstdlib>
#include <fstream>

#include "common/linux/file.h"
#include "tests/integration/csi/copy_test.h"

namespace trivet::csi {
namespace {

using ::testing::HasSubstr;

void Sh(const std::string& command) {
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

/// A DriverTest on the pools "thin" and "thick" of a volume group of its own.
class RealLvm : public CopyTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    Kill();
    Sh("modprobe dm-thin-pool");
    // Device nodes are udev's: without a way to wait for it lvm2 makes its own, and they collide.
    Sh("ln -s /proc/1/root/run/udev /run/udev");
    // lvm2 keeps backups of what it changes there, and the node's disk is read-only.
    Sh("cp -a /etc/lvm " + Path("etc-lvm") + " && mount --bind " + Path("etc-lvm") + " /etc/lvm");
    Sh("truncate -s 1G " + Path("pv") + " && losetup --find --show " + Path("pv") + " >" +
       Path("pv.name"));
    device_ = ReadFile(Path("pv.name")).value_or("");
    device_.pop_back();
    Sh("lvm pvcreate -q " + device_ + " && lvm vgcreate -q " + kGroup + " " + device_);
    Sh("lvm lvcreate --yes --type thin-pool --size 400m --name tp " + std::string(kGroup));
    std::ofstream(Path("csi.json"))
        << R"({"pools": [{"name": "thin", "type": "lvm", "volumeGroup": "trivet-test-vg", )"
        << R"("thinPool": "tp"}, )"
        << R"({"name": "thick", "type": "lvm", "volumeGroup": "trivet-test-vg"}]})";
    Start();
  }

  void TearDown() override {
    if (!device_.empty()) {
      Sh("lvm vgremove -q -q --yes " + std::string(kGroup));
      // udev looks at what it heard of; until then the device is not let go.
      Sh("udevadm settle && losetup --detach " + device_ + " && udevadm settle");
      Sh("umount /etc/lvm");
    }
    DriverTest::TearDown();
  }

  std::string CreatedIn(const std::string& pool, const std::string& name, const Kind& kind) {
    ::csi::v1::CreateVolumeRequest request;
    ::csi::v1::CreateVolumeResponse response;
    request.set_name(name);
    request.mutable_capacity_range()->set_required_bytes(kind.bytes);
    *request.add_volume_capabilities() = CapabilityOf(kind);
    (*request.mutable_parameters())["pool"] = pool;
    EXPECT_EQ(Call(request, response), grpc::OK) << DriverTest::message();
    return response.volume().volume_id();
  }

  std::vector<std::pair<int64_t, int64_t>> Delta(const std::string& base,
                                                 const std::string& target) {
    Context context;
    ::csi::v1::GetMetadataDeltaRequest request;
    request.set_base_snapshot_id(base);
    request.set_target_snapshot_id(target);
    const auto reader = metadata().GetMetadataDelta(&context, request);
    std::vector<std::pair<int64_t, int64_t>> ranges;
    ::csi::v1::GetMetadataDeltaResponse response;
    while (reader->Read(&response)) {
      for (const auto& block : response.block_metadata()) {
        ranges.emplace_back(block.byte_offset(), block.size_bytes());
      }
    }
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return ranges;
  }

  void LiveThrough(const Kind& kind) {
    const std::string id = CreatedIn(GetParam(), kind.name, kind);
    for (const std::string data : {"first", "again"}) {
      ASSERT_EQ(Stage(id, kind), grpc::OK) << DriverTest::message();
      Restart();
      ASSERT_EQ(Publish(id, kind), grpc::OK) << DriverTest::message();
      if (data == "again") {
        EXPECT_EQ(ReadData(kind, "t", 5), "first");
      }
      WriteData(kind, "t", data);
      EXPECT_EQ(Delete(id), grpc::FAILED_PRECONDITION);
      ASSERT_EQ(Expand(id, kind.bytes + (data == "first" ? 16 : 32) * kMiB), grpc::OK);
      EXPECT_EQ(NodeExpand(id, Path("t")), grpc::OK) << DriverTest::message();
      ASSERT_EQ(Unpublish(id), grpc::OK) << DriverTest::message();
      ASSERT_EQ(Unstage(id), grpc::OK) << DriverTest::message();
    }
    ASSERT_EQ(Delete(id), grpc::OK) << DriverTest::message();
    EXPECT_EQ(std::system("lvm lvs --noheadings -o lv_name trivet-test-vg | grep v-"), 256)
        << "a logical volume is left";
  }

  static constexpr const char* kGroup = "trivet-test-vg";  // a dash: device-mapper doubles it
  std::string device_;
};

TEST_P(RealLvm, MountedVolumesLiveFromCreationToDeletion) {
  LiveThrough(kExt4);
}

TEST_P(RealLvm, RawVolumesLiveFromCreationToDeletion) {
  LiveThrough(kBlock);
}

INSTANTIATE_TEST_SUITE_P(Pools, RealLvm, ::testing::Values("thin", "thick"),
                         [](const auto& row) { return std::string(row.param); });

class RealThinPool : public RealLvm {};

TEST_P(RealThinPool, CopiesAndSaysWhatChanged) {
  const std::string source = CreatedIn("thin", "source", kBlock);
  Use(source, kBlock, "t");
  WriteData(kBlock, "t", std::string(8 << 20, 'a'));
  const std::string before = Cut(source, "before");
  UniqueFd device(::open(Path("t").c_str(), O_WRONLY | O_CLOEXEC));
  const std::string changed(1 << 20, 'b');
  ASSERT_EQ(::pwrite(device.get(), changed.data(), changed.size(), 4 << 20), 1 << 20);
  ASSERT_EQ(::fsync(device.get()), 0);
  device.reset();
  const std::string after = Cut(source, "after");
  EXPECT_EQ(Delta(before, after), (std::vector<std::pair<int64_t, int64_t>>{{4 << 20, 1 << 20}}));

  const std::string copy = Copied(before, "copy", kBlock);
  Use(copy, kBlock, "t2");
  EXPECT_EQ(ReadData(kBlock, "t2", 8 << 20), std::string(8 << 20, 'a'));
  Leave(copy, "t2");
  Leave(source, "t");
  for (const std::string& id : {source, copy}) EXPECT_EQ(Delete(id), grpc::OK);
  for (const std::string& id : {before, after}) EXPECT_EQ(DeleteSnapshot(id), grpc::OK);
}

TEST_P(RealThinPool, ReadOnlyBlockVolumesCannotBeWritten) {
  using Mode = ::csi::v1::VolumeCapability::AccessMode;
  const std::string id = CreatedIn("thin", "pvc", kBlock);
  Context context;
  ::csi::v1::NodeStageVolumeRequest request;
  ::csi::v1::NodeStageVolumeResponse response;
  request.set_volume_id(id);
  request.set_staging_target_path(StagingPath(id));
  *request.mutable_volume_capability() = CapabilityOf(kBlock, Mode::SINGLE_NODE_READER_ONLY);
  const auto staged = node().NodeStageVolume(&context, request, &response);
  ASSERT_TRUE(staged.ok()) << staged.error_message();
  auto publish = PublishRequest(id, kBlock, "t");
  *publish.mutable_volume_capability() = request.volume_capability();
  ASSERT_EQ(Call(publish), grpc::OK) << DriverTest::message();
  UniqueFd device(::open(Path("t").c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_TRUE(!device.valid() || ::pwrite(device.get(), "x", 1, 0) < 0);
  device.reset();
  ASSERT_EQ(Unpublish(id), grpc::OK) << DriverTest::message();
  ASSERT_EQ(Unstage(id), grpc::OK) << DriverTest::message();
  ASSERT_EQ(Stage(id, kBlock), grpc::OK) << "and they can afterwards";
  ASSERT_EQ(Publish(id, kBlock), grpc::OK) << DriverTest::message();
  WriteData(kBlock, "t", "data");
  ASSERT_EQ(Unpublish(id), grpc::OK);
  ASSERT_EQ(Unstage(id), grpc::OK);
}

INSTANTIATE_TEST_SUITE_P(Pools, RealThinPool, ::testing::Values("thin"),
                         [](const auto& row) { return std::string(row.param); });

}  // namespace
}  // namespace trivet::csi
