// What the driver refuses, and that refusing changes nothing.

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/integration/csi/driver_test.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using testing::IsOk;
using Wire = ::csi::v1::VolumeCapability::AccessMode;

class Refusal : public DriverTest {
 protected:
  // A volume that is staged and ready for Publish.
  std::string Staged(const Kind& kind) {
    const std::string id = Created("pvc-1", kind);
    EXPECT_EQ(Stage(id, kind), grpc::OK) << message();
    return id;
  }
  void Remove(const std::string& id) {
    EXPECT_EQ(Unstage(id), grpc::OK) << message();
    EXPECT_EQ(Delete(id), grpc::OK) << message();
  }
  void ExpectSays(const std::string& words) {
    EXPECT_NE(message().find(words), std::string::npos) << message();
  }
};

TEST_F(Refusal, AVolumeOfTheSameNameThatDiffers) {
  const std::string id = Created("pvc-1", kExt4);
  ::csi::v1::CreateVolumeRequest request;
  ::csi::v1::CreateVolumeResponse response;
  request.set_name("pvc-1");
  *request.add_volume_capabilities() = CapabilityOf(kExt4);

  request.mutable_capacity_range()->set_required_bytes(kExt4.bytes + 1);
  EXPECT_EQ(Call(request, response), grpc::ALREADY_EXISTS);
  ExpectSays("it has 67108864 bytes");
  request.mutable_capacity_range()->set_required_bytes(kExt4.bytes);
  *request.mutable_volume_capabilities(0) = CapabilityOf(kBlock);
  EXPECT_EQ(Call(request, response), grpc::ALREADY_EXISTS);
  *request.mutable_volume_capabilities(0) = CapabilityOf(kExt4);
  (*request.mutable_parameters())["provisioning"] = "thin";
  EXPECT_EQ(Call(request, response), grpc::ALREADY_EXISTS);
  ExpectSays("volume " + id + " of this name differs: its provisioning is thick");
}

TEST_F(Refusal, MoreThanThePoolHas) {
  ASSERT_EQ(::mount("tmpfs", "/run", "tmpfs", 0, "size=200m"), 0);
  std::ofstream(Path("csi.json"))
      << R"({"pools": [{"name": "small", "type": "file", "path": "/run/pool"}]})";
  Restart();
  const int64_t before = Capacity();
  std::string id;

  EXPECT_EQ(Create("large", {"block", 400 * kMiB}, id), grpc::RESOURCE_EXHAUSTED);

  ExpectSays("pool small: 419430400 bytes wanted");
  EXPECT_EQ(Capacity(), before);
  EXPECT_TRUE(List().empty());
  EXPECT_TRUE(std::filesystem::is_empty("/run/pool"));
  EXPECT_TRUE(std::filesystem::is_empty(Path("state/volumes")));
}

TEST_F(Refusal, AnOvercommitmentByThinVolumes) {
  ASSERT_EQ(::mount("tmpfs", "/run", "tmpfs", 0, "size=200m"), 0);
  std::ofstream(Path("csi.json"))
      << R"({"pools": [{"name": "small", "type": "file", "path": "/run/pool"}]})";
  Restart();
  ::csi::v1::CreateVolumeRequest request;
  ::csi::v1::CreateVolumeResponse response;
  request.set_name("a");
  request.mutable_capacity_range()->set_required_bytes(120 * kMiB);
  *request.add_volume_capabilities() = CapabilityOf(kBlock);
  (*request.mutable_parameters())["provisioning"] = "thin";
  ASSERT_EQ(Call(request, response), grpc::OK) << message();

  request.set_name("b");
  EXPECT_EQ(Call(request, response), grpc::RESOURCE_EXHAUSTED);
  Restart();
  EXPECT_EQ(Call(request, response), grpc::RESOURCE_EXHAUSTED) << "promises outlive a restart";
}

TEST_F(Refusal, GrowthBeyondThePoolAndTheVolumeStaysAsItWas) {
  std::ofstream(Path("csi.json")) << R"({"pools": [{"name": "small", "type": "file", "path": ")"
                                  << Path("pool") << R"(", "limitBytes": 134217728}]})";
  Restart();
  const std::string id = Created("pvc-1", kExt4);

  EXPECT_EQ(Expand(id, 256 * kMiB), grpc::RESOURCE_EXHAUSTED);

  EXPECT_EQ(std::filesystem::file_size(Path("pool/" + id + ".img")), 64U << 20);
  EXPECT_EQ(Capacity(), 64 * kMiB);
  EXPECT_EQ(Expand(id, 128 * kMiB), grpc::OK) << message();
  EXPECT_EQ(Delete(id), grpc::OK) << message();
}

TEST_F(Refusal, ToFormatAReadyVolumeThatLostItsSuperblock) {
  const std::string id = Staged(kExt4);
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
  {
    std::fstream image(ImageOf(id), std::ios::in | std::ios::out | std::ios::binary);
    image.write(std::string(8192, '\0').data(), 8192);
  }
  const std::string before = ReadFile(ImageOf(id), 128 << 20).value_or("");

  EXPECT_EQ(Stage(id, kExt4), grpc::DATA_LOSS);

  ExpectSays("it is not formatted again");
  EXPECT_TRUE(Loops().empty());
  EXPECT_TRUE(before == ReadFile(ImageOf(id), 128 << 20).value_or("?")) << "not one byte changed";
}

TEST_F(Refusal, ToFormatOverDataInANeverFormattedVolume) {
  const std::string id = Created("pvc-1", kExt4);
  std::fstream(ImageOf(id), std::ios::in | std::ios::out | std::ios::binary) << "precious";

  EXPECT_EQ(Stage(id, kExt4), grpc::FAILED_PRECONDITION);

  ExpectSays("it is not formatted over");
  EXPECT_EQ(ReadFile(ImageOf(id), 128 << 20).value_or("").substr(0, 8), "precious");
}

TEST_F(Refusal, ToUseARawVolumesBytesAsAFileSystemAndBack) {
  ::csi::v1::CreateVolumeRequest request;
  ::csi::v1::CreateVolumeResponse response;
  request.mutable_capacity_range()->set_required_bytes(64 * kMiB);
  *request.add_volume_capabilities() = CapabilityOf(kExt4);
  *request.add_volume_capabilities() = CapabilityOf(kBlock);
  for (const auto& [name, first, second] : {std::tuple("a", kExt4, kBlock), {"b", kBlock, kExt4}}) {
    request.set_name(name);
    ASSERT_EQ(Call(request, response), grpc::OK) << message();
    const std::string id = response.volume().volume_id();
    ASSERT_EQ(Stage(id, first), grpc::OK) << message();
    ASSERT_EQ(Unstage(id), grpc::OK) << message();

    EXPECT_EQ(Stage(id, second), grpc::FAILED_PRECONDITION);

    EXPECT_TRUE(Loops().empty());
    EXPECT_EQ(Delete(id), grpc::OK) << message();
  }
}

TEST_F(Refusal, ASecondWriterOfASingleWriterVolume) {
  const std::string id = Staged(kExt4);
  auto request = PublishRequest(id, kExt4, "t1");
  *request.mutable_volume_capability() = CapabilityOf(kExt4, Wire::SINGLE_NODE_SINGLE_WRITER);
  ASSERT_EQ(Call(request), grpc::OK) << message();

  request.set_target_path(Path("t2"));
  EXPECT_EQ(Call(request), grpc::FAILED_PRECONDITION);

  ExpectSays(Path("t1"));
  EXPECT_FALSE(std::filesystem::exists(Path("t2")));
  ASSERT_EQ(Unpublish(id, "t1"), grpc::OK) << message();
  EXPECT_EQ(Call(request), grpc::OK) << message();
  ASSERT_EQ(Unpublish(id, "t2"), grpc::OK) << message();
  Remove(id);
}

TEST_F(Refusal, WritesToAReadOnlyPublicationBesideAWritableOne) {
  const std::string id = Staged(kExt4);
  ASSERT_EQ(Publish(id, kExt4, "rw"), grpc::OK) << message();
  ASSERT_EQ(Publish(id, kExt4, "ro", true), grpc::OK) << message();

  WriteData(kExt4, "rw", "shared");

  EXPECT_EQ(ReadData(kExt4, "ro", 6), "shared");
  EXPECT_FALSE(std::ofstream(Path("ro/data")).good());
  ASSERT_EQ(Unpublish(id, "ro"), grpc::OK) << message();
  ASSERT_EQ(Unpublish(id, "rw"), grpc::OK) << message();
  Remove(id);
}

TEST_F(Refusal, AReadOnlyBlockVolumeThatCouldBeWritten) {
  const std::string id = Staged(kBlock);
  EXPECT_EQ(Publish(id, kBlock, "t", true), grpc::FAILED_PRECONDITION);
  ExpectSays("SINGLE_NODE_READER_ONLY");
  Remove(id);
}

TEST_F(Refusal, WritesToABlockVolumeOfReaders) {
  const std::string id = Created("pvc-1", kBlock);
  Context context;
  ::csi::v1::NodeStageVolumeRequest stage;
  ::csi::v1::NodeStageVolumeResponse response;
  stage.set_volume_id(id);
  stage.set_staging_target_path(StagingPath(id));
  *stage.mutable_volume_capability() = CapabilityOf(kBlock, Wire::SINGLE_NODE_READER_ONLY);
  ASSERT_TRUE(node().NodeStageVolume(&context, stage, &response).ok());
  auto publish = PublishRequest(id, kBlock, "t");
  *publish.mutable_volume_capability() = stage.volume_capability();
  ASSERT_EQ(Call(publish), grpc::OK) << message();

  UniqueFd device(::open(Path("t").c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(::write(device.get(), "x", 1), -1);
  device.reset();

  ASSERT_EQ(Unpublish(id), grpc::OK) << message();
  Remove(id);
}

TEST_F(Refusal, ATargetThatIsTakenByOthers) {
  const std::string id = Staged(kExt4);
  std::filesystem::create_directories(Path("foreign"));
  ASSERT_EQ(::mount("tmpfs", Path("foreign").c_str(), "tmpfs", 0, nullptr), 0);
  std::filesystem::create_directories(Path("full/inner"));
  std::filesystem::create_directory_symlink("/etc", Path("link"));

  EXPECT_EQ(Publish(id, kExt4, "foreign"), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(Unpublish(id, "foreign"), grpc::FAILED_PRECONDITION);
  EXPECT_TRUE(IsMounted(Path("foreign")));
  EXPECT_EQ(Unpublish(id, "full"), grpc::FAILED_PRECONDITION);
  EXPECT_TRUE(std::filesystem::exists(Path("full/inner")));
  EXPECT_EQ(Publish(id, kExt4, "link"), grpc::FAILED_PRECONDITION);
  EXPECT_FALSE(IsMounted("/etc"));
  EXPECT_EQ(Publish(id, kExt4, "no/parent"), grpc::FAILED_PRECONDITION);

  ASSERT_EQ(::umount(Path("foreign").c_str()), 0);
  Remove(id);
}

TEST_F(Refusal, AnUnknownMountOptionWithTheKernelsReason) {
  const std::string id = Created("pvc-1", kExt4);
  Context context;
  ::csi::v1::NodeStageVolumeRequest request;
  ::csi::v1::NodeStageVolumeResponse response;
  request.set_volume_id(id);
  request.set_staging_target_path(StagingPath(id));
  *request.mutable_volume_capability() = CapabilityOf(kExt4);
  request.mutable_volume_capability()->mutable_mount()->add_mount_flags("no_such_option");

  const auto status = node().NodeStageVolume(&context, request, &response);

  EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("no_such_option"), std::string::npos);
  EXPECT_TRUE(Loops().empty());
  ASSERT_EQ(Stage(id, kExt4), grpc::OK) << message();
  Remove(id);
}

TEST_F(Refusal, AStagingPathThatIsNoFolder) {
  const std::string id = Created("pvc-1", kExt4);
  std::filesystem::create_directories(Path("stage"));
  std::ofstream(Path("stage/" + id)) << "file";
  Context context;
  ::csi::v1::NodeStageVolumeRequest request;
  ::csi::v1::NodeStageVolumeResponse response;
  request.set_volume_id(id);
  request.set_staging_target_path(Path("stage/" + id));
  *request.mutable_volume_capability() = CapabilityOf(kExt4);
  EXPECT_EQ(node().NodeStageVolume(&context, request, &response).error_code(),
            grpc::FAILED_PRECONDITION);
}

TEST_F(Refusal, ASecondOperationOnABusyVolumeAndOneObjectPerName) {
  constexpr int kCallers = 16;
  std::atomic<int> done{0};
  std::set<std::string> ids;
  std::mutex mutex;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      Context context;
      ::csi::v1::CreateVolumeRequest request;
      ::csi::v1::CreateVolumeResponse response;
      request.set_name("pvc-1");
      request.mutable_capacity_range()->set_required_bytes(64 * kMiB);
      *request.add_volume_capabilities() = CapabilityOf(kExt4);
      const auto code = controller().CreateVolume(&context, request, &response).error_code();
      if (code == grpc::OK || code == grpc::ABORTED) ++done;
      const std::lock_guard lock(mutex);
      if (code == grpc::OK) ids.insert(response.volume().volume_id());
    });
  }
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(done, kCallers);
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(List().size(), 1U);
}

TEST_F(Refusal, ToDeleteAVolumeThatAnotherMountNamespaceHolds) {
  const std::string id = Created("pvc", kExt4);
  ASSERT_EQ(Stage(id, kExt4), grpc::OK) << message();
  const Command command{.program = "/usr/bin/unshare",
                        .args = {"--mount", "--propagation", "private", "sleep", "1000"}};
  auto holder = StartCommand(command, {});
  ASSERT_THAT(holder, IsOk());
  const std::string process = "/proc/" + std::to_string(holder->pid);
  while (ReadFile(process + "/comm").value_or("") != "sleep\n") std::this_thread::yield();

  EXPECT_EQ(Unstage(id), grpc::OK) << message();
  EXPECT_EQ(Delete(id), grpc::FAILED_PRECONDITION);
  ExpectSays("of process " + std::to_string(holder->pid));

  ASSERT_THAT(SendSignal(holder->pidfd, SIGKILL), IsOk());
  ASSERT_THAT(Reap(holder->pidfd), IsOk());
  while (!Loops().empty()) std::this_thread::yield();  // the kernel unmounts a while later
  EXPECT_EQ(Delete(id), grpc::OK) << message();
}

TEST_F(Refusal, ASecondDriverOnOneStateFolder) {
  const Command command{
      .program = std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-csi",
      .args = {"--socket", Path("other/csi.sock"), "--state-dir", Path("state"), "--node-id",
               "node-1"}};
  const auto output = RunCommand(command);
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->exit_code, 1);
  EXPECT_NE(output->err.find("another trivet-csi uses this state folder"), std::string::npos);
}

TEST_F(Refusal, WhatIsNotClaimed) {
  Context context;
  ::csi::v1::CreateSnapshotRequest request;
  ::csi::v1::CreateSnapshotResponse response;
  EXPECT_EQ(controller().CreateSnapshot(&context, request, &response).error_code(),
            grpc::UNIMPLEMENTED);
}

}  // namespace
}  // namespace trivet::csi
