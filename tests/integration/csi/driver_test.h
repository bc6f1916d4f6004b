#pragma once

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/linux/process.h"
#include "proto/csi/csi.grpc.pb.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi {

constexpr int64_t kMiB = int64_t{1} << 20;

/// What a volume is used as, in the tests that hold for all of them.
struct Kind {
  const char* name;  // "ext4", "xfs", "btrfs", "block"
  int64_t bytes = 64 * kMiB;

  [[nodiscard]] bool is_block() const { return std::string(name) == "block"; }
};
constexpr Kind kExt4{"ext4"};
constexpr Kind kXfs{"xfs", 320 * kMiB};
constexpr Kind kBtrfs{"btrfs", 128 * kMiB};
constexpr Kind kBlock{"block"};

using Mode = ::csi::v1::VolumeCapability::AccessMode::Mode;
::csi::v1::VolumeCapability CapabilityOf(
    const Kind& kind, Mode mode = ::csi::v1::VolumeCapability::AccessMode::SINGLE_NODE_WRITER);

/// Drives the real trivet-csi over its socket, in mount and network namespaces of
/// the test's own. Loop devices are the machine's: at the end of each test none
/// may show a file of the test.
class DriverTest : public testing::NamespaceTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Starts the driver; answers once it serves. `arguments` are added.
  void Start(const std::vector<std::string>& arguments = {});
  /// SIGTERM; expects exit status 0.
  void Stop();
  /// SIGKILL, wherever it is.
  void Kill();
  /// Starts the driver again with one pool, on an XFS of `bytes` of the test's own:
  /// its files can share blocks.
  void UseXfsPool(int64_t bytes = int64_t{2} << 30);
  [[nodiscard]] pid_t pid() const { return driver_.pid; }
  /// Whether the driver has ended by itself, or does within this time; then it can be started.
  bool ReapIfEnded(std::chrono::milliseconds within);
  void Restart() {
    Kill();
    Start();
  }

  grpc::StatusCode Create(const std::string& name, const Kind& kind, std::string& id);
  grpc::StatusCode Call(const ::csi::v1::CreateVolumeRequest& request,
                        ::csi::v1::CreateVolumeResponse& response);
  /// As Create, which must succeed.
  std::string Created(const std::string& name, const Kind& kind);
  grpc::StatusCode Delete(const std::string& id);
  grpc::StatusCode Stage(const std::string& id, const Kind& kind);
  grpc::StatusCode Unstage(const std::string& id);
  grpc::StatusCode Publish(const std::string& id, const Kind& kind, const std::string& target = "t",
                           bool read_only = false);
  grpc::StatusCode Call(const ::csi::v1::NodePublishVolumeRequest& request);
  ::csi::v1::NodePublishVolumeRequest PublishRequest(const std::string& id, const Kind& kind,
                                                     const std::string& target);
  grpc::StatusCode Unpublish(const std::string& id, const std::string& target = "t");
  grpc::StatusCode Expand(const std::string& id, int64_t bytes);
  grpc::StatusCode NodeExpand(const std::string& id, const std::string& path);
  grpc::StatusCode Stats(const std::string& id, const std::string& path,
                         ::csi::v1::NodeGetVolumeStatsResponse& response);
  std::vector<std::string> List();
  int64_t Capacity();

  /// A path below the test's folder; the staging path of a volume is made.
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ / name; }
  std::string StagingPath(const std::string& id);
  [[nodiscard]] std::filesystem::path RecordOf(const std::string& id) const;
  [[nodiscard]] std::filesystem::path ImageOf(const std::string& id) const;
  /// The loop devices that show a file of this test: "loop3".
  [[nodiscard]] std::vector<std::string> Loops() const;
  [[nodiscard]] bool IsMounted(const std::string& path) const;

  /// Writes to, and reads from, a published volume: a file, or the device itself.
  void WriteData(const Kind& kind, const std::string& target, const std::string& data);
  std::string ReadData(const Kind& kind, const std::string& target, size_t size);

  /// What the last failed call said.
  [[nodiscard]] const std::string& message() const { return message_; }
  ::csi::v1::Controller::Stub& controller() { return *controller_; }
  ::csi::v1::Node::Stub& node() { return *node_; }
  ::csi::v1::Identity::Stub& identity() { return *identity_; }
  ::csi::v1::GroupController::Stub& groups() { return *groups_; }
  ::csi::v1::SnapshotMetadata::Stub& metadata() { return *metadata_; }
  /// The control group whose processes' speed the driver limits; nobody makes it.
  [[nodiscard]] static std::string IoGroup();

 private:
  grpc::StatusCode Note(const grpc::Status& status);
  void Connect();

  const testing::TempDirectory folder_;
  Child driver_;
  std::vector<std::string> arguments_;
  bool has_xfs_pool_ = false;
  std::unique_ptr<::csi::v1::Identity::Stub> identity_;
  std::unique_ptr<::csi::v1::Controller::Stub> controller_;
  std::unique_ptr<::csi::v1::Node::Stub> node_;
  std::unique_ptr<::csi::v1::GroupController::Stub> groups_;
  std::unique_ptr<::csi::v1::SnapshotMetadata::Stub> metadata_;
  std::string message_;
};

/// A call's context: a deadline no healthy call comes near, and patience with a
/// driver that is just starting.
class Context : public grpc::ClientContext {
 public:
  Context() {
    set_wait_for_ready(true);
    set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }
};

}  // namespace trivet::csi
