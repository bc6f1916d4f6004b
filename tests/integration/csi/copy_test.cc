#include "tests/integration/csi/copy_test.h"

namespace trivet::csi {

void CopyTest::SetUp() {
  DriverTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  UseXfsPool();
}

grpc::StatusCode CopyTest::Note(const grpc::Status& status) {
  message_ = status.error_message();
  return status.error_code();
}

grpc::StatusCode CopyTest::Snapshot(const std::string& volume_id, const std::string& name,
                                    std::string& id) {
  Context context;
  ::csi::v1::CreateSnapshotRequest request;
  ::csi::v1::CreateSnapshotResponse response;
  request.set_source_volume_id(volume_id);
  request.set_name(name);
  const auto code = Note(controller().CreateSnapshot(&context, request, &response));
  id = response.snapshot().snapshot_id();
  return code;
}

std::string CopyTest::Cut(const std::string& volume_id, const std::string& name) {
  std::string id;
  EXPECT_EQ(Snapshot(volume_id, name, id), grpc::OK) << message_;
  return id;
}

grpc::StatusCode CopyTest::DeleteSnapshot(const std::string& id) {
  Context context;
  ::csi::v1::DeleteSnapshotRequest request;
  ::csi::v1::DeleteSnapshotResponse response;
  request.set_snapshot_id(id);
  return Note(controller().DeleteSnapshot(&context, request, &response));
}

std::vector<std::string> CopyTest::ListSnapshots(::csi::v1::ListSnapshotsRequest request,
                                                 std::string* next_token) {
  Context context;
  ::csi::v1::ListSnapshotsResponse response;
  EXPECT_EQ(Note(controller().ListSnapshots(&context, request, &response)), grpc::OK) << message_;
  std::vector<std::string> ids;
  for (const auto& entry : response.entries()) ids.push_back(entry.snapshot().snapshot_id());
  if (next_token != nullptr) *next_token = response.next_token();
  return ids;
}

::csi::v1::CreateVolumeRequest CopyTest::CopyRequest(const std::string& source,
                                                     const std::string& name, const Kind& kind) {
  ::csi::v1::CreateVolumeRequest request;
  request.set_name(name);
  *request.add_volume_capabilities() = CapabilityOf(kind);
  auto& content = *request.mutable_volume_content_source();
  if (source.starts_with("s-")) {
    content.mutable_snapshot()->set_snapshot_id(source);
  } else {
    content.mutable_volume()->set_volume_id(source);
  }
  return request;
}

grpc::StatusCode CopyTest::Copy(const ::csi::v1::CreateVolumeRequest& request, std::string& id) {
  Context context;
  ::csi::v1::CreateVolumeResponse response;
  const auto code = Note(controller().CreateVolume(&context, request, &response));
  id = response.volume().volume_id();
  if (code == grpc::OK) {
    EXPECT_EQ(response.volume().content_source().SerializeAsString(),
              request.volume_content_source().SerializeAsString());
  }
  return code;
}

std::string CopyTest::Copied(const std::string& source, const std::string& name, const Kind& kind) {
  std::string id;
  EXPECT_EQ(Copy(CopyRequest(source, name, kind), id), grpc::OK) << message_;
  return id;
}

void CopyTest::Use(const std::string& id, const Kind& kind, const std::string& target) {
  ASSERT_EQ(Stage(id, kind), grpc::OK) << DriverTest::message();
  ASSERT_EQ(Publish(id, kind, target), grpc::OK) << DriverTest::message();
}

void CopyTest::Leave(const std::string& id, const std::string& target) {
  EXPECT_EQ(Unpublish(id, target), grpc::OK) << DriverTest::message();
  EXPECT_EQ(Unstage(id), grpc::OK) << DriverTest::message();
}

}  // namespace trivet::csi
