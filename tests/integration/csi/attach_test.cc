// Publication to the node by the controller: --attach.

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "tests/integration/csi/driver_test.h"

namespace trivet::csi {
namespace {

class Attaching : public DriverTest {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    Kill();
    Start({"--attach", "--max-volumes-per-node", "2"});
  }

  grpc::Status ControllerPublish(const std::string& id, const Kind& kind, bool read_only = false,
                                 const std::string& node_id = "node-1") {
    Context context;
    ::csi::v1::ControllerPublishVolumeRequest request;
    ::csi::v1::ControllerPublishVolumeResponse response;
    request.set_volume_id(id);
    request.set_node_id(node_id);
    request.set_readonly(read_only);
    *request.mutable_volume_capability() = CapabilityOf(kind);
    return controller().ControllerPublishVolume(&context, request, &response);
  }
  grpc::StatusCode ControllerUnpublish(const std::string& id, const std::string& node_id = "") {
    Context context;
    ::csi::v1::ControllerUnpublishVolumeRequest request;
    ::csi::v1::ControllerUnpublishVolumeResponse response;
    request.set_volume_id(id);
    request.set_node_id(node_id);
    return controller().ControllerUnpublishVolume(&context, request, &response).error_code();
  }
  std::vector<std::string> PublishedNodes(const std::string& id) {
    Context context;
    ::csi::v1::ControllerGetVolumeRequest request;
    ::csi::v1::ControllerGetVolumeResponse response;
    request.set_volume_id(id);
    EXPECT_TRUE(controller().ControllerGetVolume(&context, request, &response).ok());
    const auto& nodes = response.status().published_node_ids();
    return {nodes.begin(), nodes.end()};
  }
};

TEST_F(Attaching, IsRememberedAndKeepsTheVolumeFromDeletion) {
  const std::string id = Created("pvc-1", kExt4);
  EXPECT_TRUE(PublishedNodes(id).empty());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(ControllerPublish(id, kExt4).ok());
  Restart();

  EXPECT_EQ(PublishedNodes(id), std::vector<std::string>{"node-1"});
  EXPECT_EQ(Delete(id), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(ControllerUnpublish(id, "another"), grpc::OK);
  EXPECT_EQ(PublishedNodes(id).size(), 1U);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ControllerUnpublish(id, "node-1"), grpc::OK);
  EXPECT_TRUE(PublishedNodes(id).empty());
  EXPECT_EQ(Delete(id), grpc::OK) << message();
  EXPECT_EQ(ControllerUnpublish(id), grpc::OK);
}

TEST_F(Attaching, RefusesWhatItCannotDo) {
  const std::string id = Created("pvc-1", kExt4);
  EXPECT_EQ(ControllerPublish("unknown", kExt4).error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(ControllerPublish(id, kExt4, false, "another").error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(ControllerPublish(id, kExt4, false, "").error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(ControllerPublish(id, kBlock).error_code(), grpc::INVALID_ARGUMENT);
  ASSERT_TRUE(ControllerPublish(id, kExt4).ok());
  const auto status = ControllerPublish(id, kExt4, true);
  EXPECT_EQ(status.error_code(), grpc::ALREADY_EXISTS);
  EXPECT_NE(status.error_message().find("published as writable"), std::string::npos);
}

TEST_F(Attaching, StopsAtTheNodesLimit) {
  for (const char* name : {"a", "b"})
    EXPECT_TRUE(ControllerPublish(Created(name, kExt4), kExt4).ok());
  const std::string third = Created("c", kExt4);
  EXPECT_EQ(ControllerPublish(third, kExt4).error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ControllerUnpublish(List().front()), grpc::OK);
  EXPECT_EQ(ControllerUnpublish(List().back()), grpc::OK);
  EXPECT_TRUE(ControllerPublish(third, kExt4).ok());

  Context context;
  ::csi::v1::NodeGetInfoResponse info;
  ASSERT_TRUE(node().NodeGetInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.max_volumes_per_node(), 2);
}

TEST_F(Attaching, ReadonlyCannotBeWrittenWhateverTheNodeIsAsked) {
  const std::string mounted = Created("mounted", kExt4);
  const std::string raw = Created("raw", kBlock);
  ASSERT_TRUE(ControllerPublish(mounted, kExt4, true).ok());
  ASSERT_TRUE(ControllerPublish(raw, kBlock, true).ok());
  ASSERT_EQ(Stage(mounted, kExt4), grpc::OK) << message();
  ASSERT_EQ(Stage(raw, kBlock), grpc::OK) << message();
  ASSERT_EQ(Publish(mounted, kExt4, "t"), grpc::OK) << message();
  ASSERT_EQ(Publish(raw, kBlock, "b", true), grpc::OK) << message();

  EXPECT_FALSE(std::ofstream(Path("t/data")).good());
  UniqueFd device(::open(Path("b").c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(::write(device.get(), "x", 1), -1);
  device.reset();

  EXPECT_EQ(Unpublish(mounted, "t"), grpc::OK) << message();
  EXPECT_EQ(Unpublish(raw, "b"), grpc::OK) << message();
  EXPECT_EQ(Unstage(mounted), grpc::OK) << message();
  EXPECT_EQ(Unstage(raw), grpc::OK) << message();
}

using Unattached = DriverTest;

TEST_F(Unattached, WithoutAttachTheControllerPublishesNothing) {
  Context context;
  ::csi::v1::ControllerPublishVolumeResponse response;
  EXPECT_EQ(controller().ControllerPublishVolume(&context, {}, &response).error_code(),
            grpc::UNIMPLEMENTED);
}

}  // namespace
}  // namespace trivet::csi
