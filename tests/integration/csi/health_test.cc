// Health of volumes and pools: CSI 1.13.

#include <gmock/gmock.h>

#include <fstream>

#include "tests/integration/csi/volume_health.h"

namespace trivet::csi {
namespace {

class Healthy : public DriverTest {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    Kill();
    Start({"--spec-level", "1.13"});
  }

  // What the node says: reasons, of that very volume.
  std::vector<std::string> Reasons(const std::string& id) {
    const auto health = HealthOf(node(), id);
    EXPECT_EQ(health.volume_id(), id);
    std::vector<std::string> reasons;
    for (const auto& entry : health.health_statuses()) {
      EXPECT_NE(entry.status(), ::csi::v1::UNKNOWN_VOLUME_HEALTH_TYPE);
      EXPECT_NE(entry.message(), "");
      reasons.push_back(entry.reason());
    }
    return reasons;
  }
  // The unwell volumes, one a page.
  std::vector<std::string> Unwell() {
    std::vector<std::string> ids;
    ::csi::v1::ControllerListVolumeHealthRequest request;
    request.set_max_entries(1);
    do {
      Context context;
      ::csi::v1::ControllerListVolumeHealthResponse response;
      EXPECT_TRUE(controller().ControllerListVolumeHealth(&context, request, &response).ok());
      for (const auto& entry : response.entries()) ids.push_back(entry.volume_id());
      request.set_starting_token(response.next_token());
    } while (!request.starting_token().empty());
    return ids;
  }
};

TEST_F(Healthy, SaysNothingOfVolumesThatAreWell) {
  for (const Kind& kind : {kExt4, kBtrfs, kBlock}) {
    const std::string id = Created(kind.name, kind);
    EXPECT_TRUE(Reasons(id).empty()) << kind.name;
    ASSERT_EQ(Stage(id, kind), grpc::OK) << message();
    EXPECT_TRUE(Reasons(id).empty()) << kind.name;
    ASSERT_EQ(Unstage(id), grpc::OK) << message();
    EXPECT_TRUE(Reasons(id).empty()) << kind.name;
  }
  EXPECT_TRUE(Unwell().empty());
  Context context;
  ::csi::v1::NodeGetStorageHealthResponse storage;
  ASSERT_TRUE(node().NodeGetStorageHealth(&context, {}, &storage).ok());
  EXPECT_EQ(storage.backend_health_size(), 0) << storage.DebugString();
}

TEST_F(Healthy, SaysWhatIsWrong) {
  const std::string wiped = Created("wiped", kExt4);
  const std::string cut_short = Created("short", kBlock);
  const std::string gone = Created("gone", kBlock);
  const std::string unreadable = Created("unreadable", kBlock);
  ASSERT_EQ(Stage(wiped, kExt4), grpc::OK) << message();
  ASSERT_EQ(Unstage(wiped), grpc::OK) << message();
  Kill();
  std::ofstream(RecordOf(unreadable)) << "{";
  Start();
  std::fstream(ImageOf(wiped), std::ios::in | std::ios::out) << std::string(8192, '\0');
  std::filesystem::resize_file(ImageOf(cut_short), 4096);
  std::filesystem::remove(ImageOf(gone));

  EXPECT_EQ(Reasons(wiped), std::vector<std::string>{"FileSystemMissing"});
  EXPECT_EQ(Reasons(cut_short), std::vector<std::string>{"BytesTruncated"});
  EXPECT_EQ(Reasons(gone), std::vector<std::string>{"BytesMissing"});
  EXPECT_EQ(Reasons(unreadable), std::vector<std::string>{"RecordUnreadable"});
  EXPECT_THAT(Unwell(), ::testing::UnorderedElementsAre(wiped, cut_short, gone, unreadable));
}

TEST_F(Healthy, OfAVolumeThatIsUnknownIsNotFound) {
  Context context;
  ::csi::v1::ControllerGetVolumeHealthRequest request;
  ::csi::v1::ControllerGetVolumeHealthResponse response;
  request.set_volume_id("unknown");
  EXPECT_EQ(controller().ControllerGetVolumeHealth(&context, request, &response).error_code(),
            grpc::NOT_FOUND);
}

TEST_F(Healthy, IsClaimedFromItsSpecLevelOn) {
  using NodeRpc = ::csi::v1::NodeServiceCapability::RPC;
  const auto claimed = [&] {
    Context context;
    ::csi::v1::NodeGetCapabilitiesResponse response;
    EXPECT_TRUE(node().NodeGetCapabilities(&context, {}, &response).ok());
    std::vector<int> types;
    for (const auto& one : response.capabilities()) types.push_back(one.rpc().type());
    return types;
  };
  EXPECT_THAT(claimed(), ::testing::IsSupersetOf(
                             {int{NodeRpc::GET_VOLUME_HEALTH}, int{NodeRpc::GET_STORAGE_HEALTH}}));
  Kill();
  Start({"--spec-level", "1.12"});
  EXPECT_THAT(claimed(), ::testing::Not(::testing::Contains(int{NodeRpc::GET_VOLUME_HEALTH})));
}

}  // namespace
}  // namespace trivet::csi
