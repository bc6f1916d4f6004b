// Pools of whole devices: loop devices stand for disks.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/integration/csi/device_test.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {

std::string RunProgram(const std::string& program, const std::vector<std::string>& args) {
  const auto output = RunCommand({.program = program, .args = args});
  EXPECT_TRUE(output && output->exit_code == 0)
      << program << ": " << (output ? output->err : output.error().message());
  std::string out = output ? output->out : "";
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

void DevicePools::SetUp() {
  DriverTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  std::filesystem::create_directory(Path("disks"));
  small_ = AddDisk("small", 64 * kMiB);
  large_ = AddDisk("large", 320 * kMiB);
  StartWith(R"({"name": "whole", "type": "device", "devices": [")" + Path("disks") + "/*\"]}");
}

void DevicePools::TearDown() {
  for (const std::string& device : devices_) RunProgram("/usr/sbin/losetup", {"--detach", device});
  DriverTest::TearDown();
}

std::string DevicePools::AddDisk(const std::string& name, int64_t bytes) {
  const std::string image = Path(name + ".disk");
  std::ofstream(image).flush();
  std::filesystem::resize_file(image, static_cast<uintmax_t>(bytes));
  const std::string device =
      RunProgram("/usr/sbin/losetup", {"--partscan", "--find", "--show", image});
  devices_.push_back(device);
  std::filesystem::create_symlink(device, Path("disks/" + name));
  return device;
}

void DevicePools::StartWith(const std::string& pools) {
  Kill();
  std::ofstream(Path("csi.json")) << R"({"pools": [)" << pools << "]}";
  Start();
}

void DevicePools::WriteTo(const std::string& device, off_t offset, const std::string& data) {
  const UniqueFd fd(::open(device.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), data.data(), data.size(), offset),
            static_cast<ssize_t>(data.size()));
  ASSERT_EQ(::fsync(fd.get()), 0);
}

bool DevicePools::IsEmpty(const std::string& file) {
  const std::string size = std::to_string(std::filesystem::file_size(file));
  const auto compared = RunCommand(
      {.program = "/usr/bin/cmp", .args = {"--silent", "--bytes=" + size, file, "/dev/zero"}});
  return compared && compared->exit_code == 0;
}

namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class DeviceKinds : public DevicePools, public ::testing::WithParamInterface<Kind> {};

TEST_P(DeviceKinds, KeepTheirDataAndTheDeviceIsWipedAfterThem) {
  const Kind& kind = GetParam();
  const std::string id = Created("pvc-1", kind);
  EXPECT_EQ(Created("pvc-1", kind), id);
  for (const std::string data : {"first", "again"}) {
    for (int i = 0; i < 2; ++i) ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
    Restart();
    for (int i = 0; i < 2; ++i) ASSERT_EQ(Publish(id, kind), grpc::OK) << message();
    if (data == "again") {
      EXPECT_EQ(ReadData(kind, "t", 5), "first");
    }
    WriteData(kind, "t", data);
    EXPECT_EQ(Delete(id), grpc::FAILED_PRECONDITION);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(Unpublish(id), grpc::OK) << message();
    for (int i = 0; i < 2; ++i) ASSERT_EQ(Unstage(id), grpc::OK) << message();
  }
  for (int i = 0; i < 2; ++i) ASSERT_EQ(Delete(id), grpc::OK) << message();
  for (const char* disk : {"small.disk", "large.disk"}) EXPECT_TRUE(IsEmpty(Path(disk))) << disk;
  EXPECT_EQ(Capacity(), 320 * kMiB) << "both are free again";
  EXPECT_EQ(Stage(Created("pvc-2", kind), kind), grpc::OK) << message();
  EXPECT_EQ(Unstage(List().front()), grpc::OK);
}

INSTANTIATE_TEST_SUITE_P(Kinds, DeviceKinds, ::testing::Values(kExt4, kXfs, kBlock),
                         [](const auto& row) { return row.param.name; });

TEST_F(DevicePools, GiveTheSmallestDeviceThatIsLargeEnough) {
  EXPECT_EQ(Capacity(), 320 * kMiB);
  ::csi::v1::CreateVolumeRequest request;
  ::csi::v1::CreateVolumeResponse response;
  request.set_name("a");
  request.mutable_capacity_range()->set_required_bytes(10 * kMiB);
  *request.add_volume_capabilities() = CapabilityOf(kBlock);
  ASSERT_EQ(Call(request, response), grpc::OK) << message();
  EXPECT_EQ(response.volume().capacity_bytes(), 64 * kMiB);

  request.set_name("b");
  request.mutable_capacity_range()->set_limit_bytes(100 * kMiB);
  EXPECT_EQ(Call(request, response), grpc::OUT_OF_RANGE) << "the one that is left is larger";
  request.mutable_capacity_range()->set_limit_bytes(0);
  ASSERT_EQ(Call(request, response), grpc::OK) << message();
  EXPECT_EQ(response.volume().capacity_bytes(), 320 * kMiB);
  EXPECT_EQ(Capacity(), 0);
  Restart();
  EXPECT_EQ(Capacity(), 0);
  request.set_name("c");
  EXPECT_EQ(Call(request, response), grpc::RESOURCE_EXHAUSTED);
  EXPECT_THAT(message(), HasSubstr("pool whole: 10485760 bytes wanted"));
}

TEST_F(DevicePools, SayAndGiveNoMoreThanTheirLimitLeavesADeviceFor) {
  StartWith(R"({"name": "whole", "type": "device", "limitBytes": 367001600, "devices": [")" +
            Path("disks") + "/*\"]}");
  EXPECT_EQ(Capacity(), 320 * kMiB) << "of 350";
  const std::string small = Created("a", kExt4);
  EXPECT_EQ(Capacity(), 0) << "286 are left of the limit, and no device is that small";
  std::string id;
  EXPECT_EQ(Create("b", kExt4, id), grpc::RESOURCE_EXHAUSTED);
  EXPECT_THAT(message(), HasSubstr("the largest free device within limitBytes has 0"));
  EXPECT_EQ(Delete(small), grpc::OK) << message();
  EXPECT_EQ(Create("b", kXfs, id), grpc::OK) << message();
  EXPECT_EQ(Capacity(), 0);
}

TEST_F(DevicePools, DoNotGrowAndAreNotCopied) {
  const std::string id = Created("pvc-1", kExt4);
  EXPECT_EQ(Expand(id, 128 * kMiB), grpc::OUT_OF_RANGE);
  EXPECT_THAT(message(), HasSubstr("volumes of pool whole do not grow, it has 67108864 bytes"));
  Created("pvc-2", kXfs);
  EXPECT_EQ(Expand(id, 128 * kMiB), grpc::OUT_OF_RANGE) << "no device is free: " << message();
  EXPECT_EQ(Expand(id, 64 * kMiB), grpc::OK) << message();
  Context context;
  ::csi::v1::CreateSnapshotRequest request;
  ::csi::v1::CreateSnapshotResponse response;
  request.set_source_volume_id(id);
  request.set_name("snap");
  EXPECT_EQ(controller().CreateSnapshot(&context, request, &response).error_code(),
            grpc::UNIMPLEMENTED);
}

TEST_F(DevicePools, ClaimExpansionOnlyBesideAPoolThatGrows) {
  const auto claims = [&] {
    std::string text;
    Context for_plugin;
    ::csi::v1::GetPluginCapabilitiesResponse plugin;
    EXPECT_TRUE(identity().GetPluginCapabilities(&for_plugin, {}, &plugin).ok());
    text += plugin.ShortDebugString();
    Context for_controller;
    ::csi::v1::ControllerGetCapabilitiesResponse of_controller;
    EXPECT_TRUE(controller().ControllerGetCapabilities(&for_controller, {}, &of_controller).ok());
    text += of_controller.ShortDebugString();
    Context for_node;
    ::csi::v1::NodeGetCapabilitiesResponse of_node;
    EXPECT_TRUE(node().NodeGetCapabilities(&for_node, {}, &of_node).ok());
    return text + of_node.ShortDebugString();
  };
  EXPECT_THAT(claims(), Not(HasSubstr("EXPAND_VOLUME")));
  EXPECT_THAT(claims(), Not(HasSubstr("volume_expansion")));
  StartWith(R"({"name": "whole", "type": "device", "devices": [")" + Path("disks") +
            R"(/*"]}, {"name": "files", "type": "file", "path": ")" + Path("files") + "\"}");
  EXPECT_THAT(claims(), ContainsRegex("volume_expansion.*EXPAND_VOLUME.*EXPAND_VOLUME"));
}

TEST_F(DevicePools, SurviveAKillBetweenRecordAndClaim) {
  const std::string id = Created("pvc-1", kExt4);
  Kill();
  std::filesystem::remove(Path("state/devices/" + id + ".json"));
  Start();
  EXPECT_EQ(Capacity(), 320 * kMiB);
  EXPECT_EQ(Created("pvc-1", kExt4), id);
  EXPECT_EQ(Stage(id, kExt4), grpc::OK) << message();
  EXPECT_EQ(Unstage(id), grpc::OK) << message();
}

TEST_F(DevicePools, AreRefusedWhenTwoHaveOneDevice) {
  Kill();
  std::ofstream(Path("csi.json")) << R"({"pools": [{"name": "a", "type": "device", "devices": [")"
                                  << small_
                                  << R"("]}, {"name": "b", "type": "device", "devices": [")"
                                  << Path("disks") << "/*\"]}]}";
  const auto output =
      RunCommand({.program = std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-csi",
                  .args = {"--socket", Path("run/csi.sock"), "--state-dir", Path("state"),
                           "--node-id", "n", "--config", Path("csi.json")}});
  ASSERT_THAT(output, testing::IsOk());
  EXPECT_EQ(output->exit_code, 1);
  EXPECT_THAT(output->err, HasSubstr("pools a and b are on one device"));
  std::filesystem::remove(Path("csi.json"));
  Start();
}

}  // namespace
}  // namespace trivet::csi
