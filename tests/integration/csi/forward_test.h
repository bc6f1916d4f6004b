#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/linux/process.h"
#include "proto/csi/csi.grpc.pb.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi {

constexpr int64_t kForwardMiB = int64_t{1} << 20;

/// Node processes of trivet-csi with folders of their own, and one controller that forwards to
/// them over mutual TLS, in a network namespace of the test's own.
class ForwardTest : public testing::NamespaceTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// A node with one pool of `mib`, which listens at AddressOf(name).
  void StartNode(const std::string& name, int64_t mib, const std::vector<std::string>& more = {});
  /// Of the nodes that were started, whether they run or not.
  void StartController(const std::vector<std::string>& more = {});
  /// Calls go to the process that was started as "controller".
  void UseController();
  void StartProcess(const std::string& name, std::vector<std::string> arguments);
  void Signal(const std::string& process, int signal);
  void Kill(const std::string& process);
  /// Runs trivet-csi to its end, which must come by itself: what it wrote.
  std::string Refusal(const std::vector<std::string>& arguments);

  /// Makes NAME.pem and NAME.key, signed by the authority of this name.
  void MakeCertificate(const std::string& name, const std::string& authority = "authority");
  [[nodiscard]] std::vector<std::string> TlsArguments(const std::string& name) const;
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ / name; }
  /// "127.0.0.1:9001" for "a", …
  [[nodiscard]] static std::string AddressOf(const std::string& node);

  /// Of a block volume. `requisite` and `preferred` are nodes.
  static ::csi::v1::CreateVolumeRequest CreateRequest(
      const std::string& name, int64_t mib, const std::vector<std::string>& requisite = {},
      const std::vector<std::string>& preferred = {});
  grpc::StatusCode Create(const ::csi::v1::CreateVolumeRequest& request);
  /// As Create, which must succeed; the volume's id.
  std::string Created(const ::csi::v1::CreateVolumeRequest& request);
  grpc::StatusCode Delete(const std::string& id);
  grpc::StatusCode Get(const std::string& id, std::chrono::milliseconds deadline);
  /// The ids of all pages of this many entries.
  std::vector<std::string> ListByPages(int max_entries);
  bool Ready();
  /// The node that has the volume, as its own socket says.
  bool Has(const std::string& node, const std::string& id);

  grpc::StatusCode Note(const grpc::Status& status);
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const std::string& made_on() const { return made_on_; }
  ::csi::v1::Controller::Stub& controller() { return *controller_; }
  std::shared_ptr<grpc::Channel> channel() { return channel_; }
  static std::shared_ptr<grpc::Channel> Connect(const std::string& socket);

 private:
  const testing::TempDirectory folder_;
  std::map<std::string, Child> processes_;
  std::vector<std::string> nodes_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<::csi::v1::Controller::Stub> controller_;
  std::string message_;
  std::string made_on_;
};

}  // namespace trivet::csi
