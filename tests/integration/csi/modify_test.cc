// ControllerModifyVolume: limits of speed that the kernel knows, and the trim policy.

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "common/linux/file.h"
#include "tests/integration/csi/driver_test.h"

namespace trivet::csi {
namespace {

const std::filesystem::path kRoot = "/sys/fs/cgroup";
const std::filesystem::path kBlkio = kRoot / "blkio";

class Modifying : public DriverTest {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (!HasIo() && !std::filesystem::exists(kBlkio)) {
      GTEST_SKIP() << "this node has neither the io nor the blkio controller";
    }
    std::filesystem::create_directories(Group());
    if (!HasIo()) return;
    for (const auto& folder : {kRoot, Group().parent_path()}) {
      std::ofstream(folder / "cgroup.subtree_control") << "+io" << std::flush;
    }
  }
  void TearDown() override {
    DriverTest::TearDown();
    ::rmdir(Group().c_str());
  }
  /// Of cgroup v2.
  static bool HasIo() {
    return (" " + ReadFile(kRoot / "cgroup.controllers").value_or("")).contains(" io");
  }
  static std::filesystem::path Group() {
    return (HasIo() ? kRoot : kBlkio) / std::filesystem::path(IoGroup()).relative_path();
  }

  grpc::StatusCode Modify(const std::string& id, const std::string& key, const std::string& value) {
    Context context;
    ::csi::v1::ControllerModifyVolumeRequest request;
    ::csi::v1::ControllerModifyVolumeResponse response;
    request.set_volume_id(id);
    (*request.mutable_mutable_parameters())[key] = value;
    return controller().ControllerModifyVolume(&context, request, &response).error_code();
  }
  // What the kernel says of the one device of this test, "read_bps" and so on; empty when nothing.
  static std::string Limit(const std::string& what) {
    if (HasIo()) return IoMax(what.substr(0, 1) + what.substr(what.find('_') + 1));
    const std::string text =
        ReadFile(Group() / ("blkio.throttle." + what + "_device")).value_or("unreadable");
    const size_t space = text.find(' ');
    return space == std::string::npos ? text : text.substr(space + 1, text.size() - space - 2);
  }
  static std::string IoMax(const std::string& key) {
    std::istringstream text(ReadFile(Group() / "io.max").value_or(key + "=unreadable"));
    for (std::string word; text >> word;) {
      if (word.starts_with(key + "=") && !word.ends_with("=max"))
        return word.substr(key.size() + 1);
    }
    return "";
  }
  uint64_t AllocatedBytes(const std::string& id) {
    struct stat info{};
    ::stat(ImageOf(id).c_str(), &info);
    return static_cast<uint64_t>(info.st_blocks) * 512;
  }
};

TEST_F(Modifying, LimitsTheDeviceFromTheCallToItsRelease) {
  const std::string id = Created("pvc-1", kExt4);
  ASSERT_EQ(Modify(id, "writeBytesPerSecond", "1048576"), grpc::OK);
  ASSERT_EQ(Stage(id, kExt4), grpc::OK) << message();
  EXPECT_EQ(Limit("write_bps"), "1048576");
  EXPECT_EQ(Limit("read_iops"), "");

  ASSERT_EQ(Modify(id, "readOperationsPerSecond", "100"), grpc::OK);
  EXPECT_EQ(Limit("write_bps"), "1048576") << "a key that is not given stays";
  EXPECT_EQ(Limit("read_iops"), "100");
  ASSERT_EQ(Modify(id, "writeBytesPerSecond", "0"), grpc::OK);
  EXPECT_EQ(Limit("write_bps"), "");

  ASSERT_EQ(Unstage(id), grpc::OK) << message();
  EXPECT_EQ(Limit("read_iops"), "") << "the next volume on this device would have it";
}

TEST_F(Modifying, LimitsAgainAfterARestart) {
  const std::string id = Created("pvc-1", kBlock);
  ASSERT_EQ(Stage(id, kBlock), grpc::OK) << message();
  Kill();
  std::string text = ReadFile(RecordOf(id)).value_or("");
  const std::string none = "\"mutable\": {}";
  ASSERT_NE(text.find(none), std::string::npos) << text;
  text.replace(text.find(none), none.size(), R"("mutable": {"readBytesPerSecond": "2097152"})");
  std::ofstream(RecordOf(id)) << text;
  Start();

  EXPECT_EQ(Limit("read_bps"), "2097152");
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
  EXPECT_EQ(Limit("read_bps"), "");
}

TEST_F(Modifying, AppliesNothingOfARequestThatIsWrong) {
  const std::string id = Created("pvc-1", kExt4);
  const std::string before = ReadFile(RecordOf(id)).value_or("");
  EXPECT_EQ(Modify(id, "unknown", "1"), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Modify(id, "readBytesPerSecond", "fast"), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Modify(id, "readOperationsPerSecond", "4294967296"), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Modify(id, "trim", "hourly"), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Modify("unknown", "trim", "never"), grpc::NOT_FOUND);
  EXPECT_EQ(Modify("", "trim", "never"), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(ReadFile(RecordOf(id)).value_or(""), before);
}

TEST_F(Modifying, GivesBackAtUnstagingWhatTheFileSystemNoLongerUses) {
  const std::string id = Created("pvc-1", kExt4);
  ASSERT_EQ(Modify(id, "trim", "unstage"), grpc::OK);
  ASSERT_EQ(Stage(id, kExt4), grpc::OK) << message();
  const uint64_t full = AllocatedBytes(id);
  EXPECT_GE(full, static_cast<uint64_t>(kExt4.bytes)) << "it is thick";
  ASSERT_EQ(Unstage(id), grpc::OK) << message();

  EXPECT_LT(AllocatedBytes(id), full / 2);
  ASSERT_EQ(Stage(id, kExt4), grpc::OK) << message();
  ASSERT_EQ(Unstage(id), grpc::OK) << message();
}

}  // namespace
}  // namespace trivet::csi
