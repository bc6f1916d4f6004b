// Snapshots, groups and changed blocks through a controller that forwards: on one node only, whose
// pool can share blocks.

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "tests/integration/csi/forward_test.h"

namespace trivet::csi {
namespace {

using ::testing::HasSubstr;

class ForwardCopy : public ForwardTest {
 protected:
  void SetUp() override {
    ForwardTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const std::string image = Path("pool.xfs");
    std::ofstream(image).flush();
    std::filesystem::resize_file(image, 512 * kForwardMiB);
    std::filesystem::create_directory(Path("b-pool"));
    const std::string make = "mkfs.xfs -q -m reflink=1 " + image + " && mount -o loop " + image;
    ASSERT_EQ(std::system((make + " " + Path("b-pool")).c_str()), 0);
    StartNode("a", 64);
    StartNode("b", 256);
    StartController();
  }

  std::string Snapshot(const std::string& name, const std::string& volume_id) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    ::csi::v1::CreateSnapshotRequest request;
    ::csi::v1::CreateSnapshotResponse response;
    request.set_name(name);
    request.set_source_volume_id(volume_id);
    EXPECT_EQ(Note(controller().CreateSnapshot(&context, request, &response)), grpc::OK)
        << message();
    return response.snapshot().snapshot_id();
  }

  grpc::StatusCode Group(const std::vector<std::string>& volume_ids) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    ::csi::v1::CreateVolumeGroupSnapshotRequest request;
    ::csi::v1::CreateVolumeGroupSnapshotResponse response;
    request.set_name("g");
    for (const std::string& id : volume_ids) request.add_source_volume_ids(id);
    const auto stub = ::csi::v1::GroupController::NewStub(channel());
    const auto code = Note(stub->CreateVolumeGroupSnapshot(&context, request, &response));
    group_ = response.group_snapshot();
    return code;
  }

  grpc::StatusCode DeleteGroup() {
    grpc::ClientContext context;
    ::csi::v1::DeleteVolumeGroupSnapshotRequest request;
    ::csi::v1::DeleteVolumeGroupSnapshotResponse response;
    request.set_group_snapshot_id(group_.group_snapshot_id());
    for (const auto& member : group_.snapshots()) request.add_snapshot_ids(member.snapshot_id());
    const auto stub = ::csi::v1::GroupController::NewStub(channel());
    return Note(stub->DeleteVolumeGroupSnapshot(&context, request, &response));
  }

  // Writes 64 KiB at each offset of the volume's image, which nobody uses.
  void Scribble(const std::string& id, const std::vector<int64_t>& offsets) {
    std::fstream image(Path("b-pool/" + id + ".img"), std::ios::in | std::ios::out);
    for (const int64_t offset : offsets) {
      image.seekp(offset);
      image << std::string(65536, 'x');
    }
    image.flush();
    ASSERT_TRUE(image.good());
    image.close();
    ASSERT_EQ(std::system(("sync -f " + Path("b-pool")).c_str()), 0);
  }

  // Offsets of all messages, of at most one range each.
  grpc::StatusCode Delta(const std::string& base, const std::string& target,
                         std::vector<int64_t>& offsets) {
    grpc::ClientContext context;
    ::csi::v1::GetMetadataDeltaRequest request;
    request.set_base_snapshot_id(base);
    request.set_target_snapshot_id(target);
    request.set_max_results(1);
    const auto stub = ::csi::v1::SnapshotMetadata::NewStub(channel());
    const auto reader = stub->GetMetadataDelta(&context, request);
    for (::csi::v1::GetMetadataDeltaResponse one; reader->Read(&one);) {
      for (const auto& block : one.block_metadata()) offsets.push_back(block.byte_offset());
    }
    return Note(reader->Finish());
  }

  ::csi::v1::VolumeGroupSnapshot group_;
};

TEST_F(ForwardCopy, StreamsChangedBlocksMessageByMessageFromTheNodeOfTheSnapshots) {
  const std::string id = Created(CreateRequest("v", 16, {"b"}));
  const std::string before = Snapshot("before", id);
  Scribble(id, {0, 4 * kForwardMiB, 8 * kForwardMiB});
  const std::string after = Snapshot("after", id);
  std::vector<int64_t> offsets;
  EXPECT_EQ(Delta(before, after, offsets), grpc::OK) << message();
  EXPECT_THAT(offsets, ::testing::ElementsAre(0, 4 * kForwardMiB, 8 * kForwardMiB));
  EXPECT_EQ(Delta(before, "s-x", offsets), grpc::NOT_FOUND);
  EXPECT_THAT(message(), HasSubstr("no node has it"));
  EXPECT_EQ(Delta("s-x", after, offsets), grpc::NOT_FOUND);
  EXPECT_THAT(message(), HasSubstr("node b: "));
}

TEST_F(ForwardCopy, RestoresOnTheNodeOfTheSnapshotHoweverMuchRoomAnotherHas) {
  const std::string id = Created(CreateRequest("v", 16, {"b"}));
  auto request = CreateRequest("restored", 16);
  request.mutable_volume_content_source()->mutable_snapshot()->set_snapshot_id(Snapshot("s", id));
  Created(request);
  EXPECT_EQ(made_on(), "b");
  auto elsewhere = CreateRequest("elsewhere", 16, {"a"});
  *elsewhere.mutable_volume_content_source() = request.volume_content_source();
  EXPECT_EQ(Create(elsewhere), grpc::RESOURCE_EXHAUSTED);
  EXPECT_THAT(message(), HasSubstr("node b: "));
  elsewhere.mutable_volume_content_source()->mutable_snapshot()->set_snapshot_id("s-x");
  EXPECT_EQ(Create(elsewhere), grpc::NOT_FOUND);
}

TEST_F(ForwardCopy, AGroupIsOfOneNodesVolumes) {
  const std::string one = Created(CreateRequest("1", 4, {"b"}));
  const std::string two = Created(CreateRequest("2", 4, {"b"}));
  const std::string far = Created(CreateRequest("3", 4, {"a"}));
  EXPECT_EQ(Group({one, far}), grpc::FAILED_PRECONDITION);
  EXPECT_THAT(message(), HasSubstr("is on node a"));
  EXPECT_EQ(Group({one, two}), grpc::OK) << message();
  EXPECT_EQ(group_.snapshots_size(), 2);
  EXPECT_EQ(DeleteGroup(), grpc::OK) << message();
  EXPECT_EQ(DeleteGroup(), grpc::OK) << message();
}

}  // namespace
}  // namespace trivet::csi
