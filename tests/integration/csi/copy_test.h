#pragma once

#include <string>
#include <vector>

#include "tests/integration/csi/driver_test.h"

namespace trivet::csi {

/// A DriverTest on a pool that can share blocks: snapshots and clones.
class CopyTest : public DriverTest {
 protected:
  void SetUp() override;

  grpc::StatusCode Snapshot(const std::string& volume_id, const std::string& name, std::string& id);
  /// As Snapshot, which must succeed.
  std::string Cut(const std::string& volume_id, const std::string& name);
  grpc::StatusCode DeleteSnapshot(const std::string& id);
  /// The ids of one page, and its token.
  std::vector<std::string> ListSnapshots(::csi::v1::ListSnapshotsRequest request = {},
                                         std::string* next_token = nullptr);

  /// A volume with the bytes of the snapshot or volume `source`.
  static ::csi::v1::CreateVolumeRequest CopyRequest(const std::string& source,
                                                    const std::string& name, const Kind& kind);
  grpc::StatusCode Copy(const ::csi::v1::CreateVolumeRequest& request, std::string& id);
  /// As Copy, which must succeed.
  std::string Copied(const std::string& source, const std::string& name, const Kind& kind);

  /// Stages and publishes at `target`; and the other way.
  void Use(const std::string& id, const Kind& kind, const std::string& target);
  void Leave(const std::string& id, const std::string& target);

  [[nodiscard]] const std::string& message() const { return message_; }

 private:
  grpc::StatusCode Note(const grpc::Status& status);
  std::string message_;
};

}  // namespace trivet::csi
