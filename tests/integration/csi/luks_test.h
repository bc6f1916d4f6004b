#pragma once

#include <string>

#include "tests/integration/csi/driver_test.h"

namespace trivet::csi {

/// A DriverTest with encrypted volumes.
class LuksTest : public DriverTest {
 protected:
  std::string CreatedEncrypted(const std::string& name, const Kind& kind) {
    ::csi::v1::CreateVolumeRequest request;
    ::csi::v1::CreateVolumeResponse response;
    request.set_name(name);
    request.mutable_capacity_range()->set_required_bytes(kind.bytes);
    *request.add_volume_capabilities() = CapabilityOf(kind);
    (*request.mutable_parameters())["encryption"] = "luks";
    EXPECT_EQ(Call(request, response), grpc::OK) << message();
    return response.volume().volume_id();
  }

  grpc::Status StageWith(const std::string& id, const Kind& kind, const std::string& passphrase) {
    Context context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(5));
    ::csi::v1::NodeStageVolumeRequest request;
    ::csi::v1::NodeStageVolumeResponse response;
    request.set_volume_id(id);
    request.set_staging_target_path(StagingPath(id));
    *request.mutable_volume_capability() = CapabilityOf(kind);
    if (!passphrase.empty()) (*request.mutable_secrets())["passphrase"] = passphrase;
    return node().NodeStageVolume(&context, request, &response);
  }
};

}  // namespace trivet::csi
