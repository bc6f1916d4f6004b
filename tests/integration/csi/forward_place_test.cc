// Where volumes are made and found by a controller that forwards.

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "tests/integration/csi/forward_test.h"

namespace trivet::csi {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

class Forward : public ForwardTest {};

TEST_F(Forward, MakesAVolumeOnTheFirstPreferredNodeThatHasRoom) {
  StartNode("a", 64);
  StartNode("b", 16);
  StartController();
  const std::string small = Created(CreateRequest("small", 8, {"a", "b"}, {"b", "a"}));
  EXPECT_EQ(made_on(), "b");
  EXPECT_TRUE(Has("b", small));
  const std::string large = Created(CreateRequest("large", 32, {"a", "b"}, {"b", "a"}));
  EXPECT_EQ(made_on(), "a");
  EXPECT_TRUE(Has("a", large));
  EXPECT_FALSE(Has("b", large));
}

TEST_F(Forward, WithoutTopologyTakesTheNodeWithTheMostRoomOrSaysWhatEachHas) {
  StartNode("a", 16);
  StartNode("b", 64);
  StartController();
  Created(CreateRequest("v", 1));
  EXPECT_EQ(made_on(), "b");
  EXPECT_EQ(Create(CreateRequest("too-large", 100)), grpc::RESOURCE_EXHAUSTED);
  EXPECT_THAT(message(), AllOf(HasSubstr("a has 16777216"), HasSubstr("b has 66060288")));
}

TEST_F(Forward, ANameThatExistsIsAnsweredByItsNodeAndNeverMadeOnAnother) {
  StartNode("a", 16);
  StartNode("b", 64);
  StartController();
  const std::string id = Created(CreateRequest("v", 4, {"a"}));
  EXPECT_EQ(Created(CreateRequest("v", 4)), id);
  EXPECT_EQ(made_on(), "a");
  EXPECT_EQ(Create(CreateRequest("v", 4, {"b"})), grpc::ALREADY_EXISTS);
  EXPECT_THAT(message(), HasSubstr("it is on node a"));
  EXPECT_EQ(Create(CreateRequest("v", 8)), grpc::ALREADY_EXISTS);
  EXPECT_THAT(message(), HasSubstr("node a: "));
  EXPECT_FALSE(Has("b", id));
}

TEST_F(Forward, DeletesGrowsAndValidatesOnTheNodeThatHasTheVolume) {
  StartNode("a", 64);
  StartNode("b", 64);
  StartController();
  const std::string id = Created(CreateRequest("v", 4, {"b"}));
  grpc::ClientContext context;
  ::csi::v1::ControllerExpandVolumeRequest request;
  ::csi::v1::ControllerExpandVolumeResponse response;
  request.set_volume_id(id);
  request.mutable_capacity_range()->set_required_bytes(8 * kForwardMiB);
  EXPECT_EQ(Note(controller().ControllerExpandVolume(&context, request, &response)), grpc::OK);
  EXPECT_EQ(response.capacity_bytes(), 8 * kForwardMiB);
  EXPECT_TRUE(response.node_expansion_required());
  EXPECT_EQ(Delete(id), grpc::OK) << message();
  EXPECT_FALSE(Has("b", id));
  EXPECT_EQ(Delete(id), grpc::OK) << message();
  EXPECT_EQ(Get(id, std::chrono::seconds(30)), grpc::NOT_FOUND);
}

TEST_F(Forward, PublishesOnlyToTheNodeOfTheVolume) {
  StartNode("a", 64, {"--attach"});
  StartNode("b", 64, {"--attach"});
  StartController();
  ::csi::v1::ControllerPublishVolumeRequest request;
  request.set_volume_id(Created(CreateRequest("v", 4, {"b"})));
  *request.mutable_volume_capability() = CreateRequest("v", 4).volume_capabilities(0);
  const std::vector<std::pair<std::string, grpc::StatusCode>> expected = {
      {"a", grpc::FAILED_PRECONDITION}, {"c", grpc::NOT_FOUND}, {"b", grpc::OK}};
  for (const auto& [node, code] : expected) {
    grpc::ClientContext context;
    ::csi::v1::ControllerPublishVolumeResponse response;
    request.set_node_id(node);
    EXPECT_EQ(Note(controller().ControllerPublishVolume(&context, request, &response)), code)
        << node << ": " << message();
  }
}

TEST_F(Forward, ListsTheVolumesOfAllNodesPageByPage) {
  StartNode("a", 64);
  StartNode("b", 64);
  StartController();
  std::vector<std::string> made;
  for (int i = 0; i < 7; ++i) {
    made.push_back(Created(CreateRequest(std::to_string(i), 1, {i % 3 == 0 ? "a" : "b"})));
  }
  std::ranges::sort(made);
  for (const int entries : {1, 2, 3, 7}) {
    EXPECT_THAT(ListByPages(entries), ElementsAreArray(made)) << entries;
  }
}

TEST_F(Forward, SumsTheCapacityOfAllNodesOrSaysThatOfOne) {
  StartNode("a", 16);
  StartNode("b", 64);
  StartController();
  const auto ask = [&](const std::string& node) {
    grpc::ClientContext context;
    ::csi::v1::GetCapacityRequest request;
    ::csi::v1::GetCapacityResponse response;
    if (!node.empty()) {
      auto& segments = *request.mutable_accessible_topology()->mutable_segments();
      segments["topology.csi.trivet.dev/node"] = node;
    }
    context.set_wait_for_ready(true);
    EXPECT_EQ(Note(controller().GetCapacity(&context, request, &response)), grpc::OK) << message();
    return std::pair(response.available_capacity() / kForwardMiB,
                     response.maximum_volume_size().value() / kForwardMiB);
  };
  EXPECT_EQ(ask(""), std::pair(int64_t{80}, int64_t{64}));
  EXPECT_EQ(ask("a"), std::pair(int64_t{16}, int64_t{16}));
  EXPECT_EQ(ask("unknown"), std::pair(int64_t{0}, int64_t{0}));
}

TEST_F(Forward, ReadsTheFileOfNodesAgainWhenItChanges) {
  StartNode("a", 64);
  const std::string file = Path("nodes");
  std::ofstream(file) << "# none yet\n";
  StartProcess("controller",
               {"--mode", "controller", "--socket", Path("controller/csi.sock"),
                "--node-endpoints-file", file, "--tls-cert", Path("trivet-csi-controller.pem"),
                "--tls-key", Path("trivet-csi-controller.key"), "--tls-ca", Path("authority.pem")});
  UseController();
  EXPECT_FALSE(Ready());
  EXPECT_EQ(Create(CreateRequest("v", 1)), grpc::RESOURCE_EXHAUSTED);
  std::ofstream(file) << "a=" << AddressOf("a") << "\n";
  while (!Ready()) std::this_thread::yield();
  Created(CreateRequest("v", 1));
  EXPECT_EQ(made_on(), "a");
}

}  // namespace
}  // namespace trivet::csi
