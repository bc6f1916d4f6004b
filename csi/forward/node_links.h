#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "csi/forward/endpoints.h"
#include "proto/csi/csi.grpc.pb.h"

namespace trivet::csi {

/// A node that calls are forwarded to. Any thread may use its stubs.
class NodeLink {
 public:
  NodeLink(std::string name, std::string address, const std::shared_ptr<grpc::Channel>& channel);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& address() const { return address_; }

  /// Stub: of Identity, Controller, GroupController or SnapshotMetadata.
  template <class Stub>
  [[nodiscard]] Stub& stub() const {
    return *std::get<std::unique_ptr<Stub>>(stubs_);
  }

 private:
  const std::string name_;
  const std::string address_;
  const std::tuple<std::unique_ptr<::csi::v1::Identity::Stub>,
                   std::unique_ptr<::csi::v1::Controller::Stub>,
                   std::unique_ptr<::csi::v1::GroupController::Stub>,
                   std::unique_ptr<::csi::v1::SnapshotMetadata::Stub>>
      stubs_;
};

using NodeLinkPtr = std::shared_ptr<const NodeLink>;

/// The nodes that there are now. Any thread may ask.
class NodeLinks {
 public:
  /// `tls` may be null when no node is reached by TCP.
  explicit NodeLinks(std::shared_ptr<grpc::ChannelCredentials> tls) : tls_(std::move(tls)) {}

  /// These and no others from now on. A node whose address did not change keeps its connection;
  /// calls that run on one that is gone go on. Errors: kInvalidArgument for TCP without TLS.
  Result<> Follow(const Endpoints& endpoints);

  /// In the order of their names.
  [[nodiscard]] std::vector<NodeLinkPtr> All() const;

 private:
  [[nodiscard]] NodeLinkPtr Connect(const std::string& name, const std::string& address) const;

  const std::shared_ptr<grpc::ChannelCredentials> tls_;
  mutable std::mutex mutex_;
  std::map<std::string, NodeLinkPtr> links_;  // guarded by mutex_
};

}  // namespace trivet::csi
