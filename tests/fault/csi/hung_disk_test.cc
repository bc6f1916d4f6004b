// A disk that answers nothing any more: its volumes' calls wait, all others go on.

#include <sys/mount.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <thread>

#include "csi/pool/loop_device.h"
#include "csi/volume/volume_id.h"
#include "tests/fault/csi/logged_disk.h"
#include "tests/integration/csi/copy_test.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using testing::IsOk;

class HungDisk : public CopyTest {
 protected:
  void SetUp() override;
  void TearDown() override;
  static ::csi::v1::CreateVolumeRequest RequestIn(const std::string& pool, const std::string& name);
  grpc::StatusCode CreateWithin(std::chrono::milliseconds patience,
                                const ::csi::v1::CreateVolumeRequest& request);

  void ExpectRefusalNamingThePool(const ::csi::v1::CreateVolumeRequest& request);

  std::unique_ptr<LoggedDisk> disk_;
  std::string said_;
};

// The pool "xfs" as every test's, and a second one on a disk that can hang.
void HungDisk::SetUp() {
  CopyTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_TRUE(std::filesystem::exists("/dev/fuse")) << "the kernel has no FUSE";
  Kill();
  const std::string image = Path("second.xfs");
  std::ofstream(image).flush();
  std::filesystem::resize_file(image, uintmax_t{512} << 20);
  ASSERT_EQ(std::system(("mkfs.xfs -q -s size=4096 -m reflink=1 " + image).c_str()), 0);
  disk_ = std::make_unique<LoggedDisk>(Path("fuse"), image);
  std::filesystem::create_directory(Path("second"));
  const auto device = loop::Attach(disk_->file(), {});
  ASSERT_THAT(device, IsOk());
  ASSERT_EQ(::mount(device->path.c_str(), Path("second").c_str(), "xfs", 0, nullptr), 0)
      << std::strerror(errno);
  std::ofstream(Path("csi.json")) << R"({"pools": [{"name": "xfs", "type": "file", "path": ")"
                                  << Path("pool")
                                  << R"("}, {"name": "second", "type": "file", "path": ")"
                                  << Path("second") << "\"}]}";
  Start();
}

void HungDisk::TearDown() {
  if (disk_) {
    disk_->Hang(false);
    if (pid() != 0) Kill();
    EXPECT_EQ(::umount2(Path("second").c_str(), HasFailure() ? MNT_DETACH : 0), 0)
        << std::strerror(errno);
    disk_.reset();
  }
  CopyTest::TearDown();
}

::csi::v1::CreateVolumeRequest HungDisk::RequestIn(const std::string& pool,
                                                   const std::string& name) {
  ::csi::v1::CreateVolumeRequest request;
  request.set_name(name);
  request.mutable_capacity_range()->set_required_bytes(kBlock.bytes);
  *request.add_volume_capabilities() = CapabilityOf(kBlock);
  (*request.mutable_parameters())["pool"] = pool;
  return request;
}

grpc::StatusCode HungDisk::CreateWithin(std::chrono::milliseconds patience,
                                        const ::csi::v1::CreateVolumeRequest& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  ::csi::v1::CreateVolumeResponse response;
  const auto status = controller().CreateVolume(&context, request, &response);
  said_ = status.error_message();
  return status.error_code();
}

// The call that hangs may not have come far yet.
void HungDisk::ExpectRefusalNamingThePool(const ::csi::v1::CreateVolumeRequest& request) {
  const std::string want =
      VolumeIdOf(request.name()) + ": an operation is pending on pool second for ";
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto code = CreateWithin(std::chrono::milliseconds(500), request);
    if (code == grpc::ABORTED && said_.starts_with(want)) return;
  }
  ADD_FAILURE() << said_;
}

TEST_F(HungDisk, KeepsOnlyTheCallsOfItsOwnVolumesWaiting) {
  constexpr auto kShort = std::chrono::milliseconds(500);
  const auto stuck = RequestIn("second", "stuck");

  disk_->Hang(true);
  EXPECT_EQ(CreateWithin(kShort, stuck), grpc::DEADLINE_EXCEEDED);
  ExpectRefusalNamingThePool(stuck);

  const std::string id = Created("other", kExt4);
  Use(id, kExt4, "t");
  WriteData(kExt4, "t", "kept");
  const std::string snapshot = Cut(id, "snap");
  EXPECT_EQ(DeleteSnapshot(snapshot), grpc::OK);
  EXPECT_EQ(ReadData(kExt4, "t", 4), "kept");
  Leave(id, "t");
  EXPECT_EQ(Delete(id), grpc::OK) << DriverTest::message();
  EXPECT_GT(Capacity(), 0);

  disk_->Hang(false);
  grpc::StatusCode code = grpc::UNKNOWN;
  do {
    code = CreateWithin(std::chrono::seconds(30), stuck);
    std::this_thread::yield();
  } while (code == grpc::ABORTED);
  EXPECT_EQ(code, grpc::OK);
  for (const std::string& one : List()) EXPECT_EQ(Delete(one), grpc::OK) << DriverTest::message();
}

}  // namespace
}  // namespace trivet::csi
