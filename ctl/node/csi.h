#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "common/base/error.h"
#include "ctl/node/claim_request.h"
#include "ctl/node/rpc.h"
#include "proto/csi/csi.grpc.pb.h"

namespace trivet::ctl {

/// A CSI driver, controller and node, behind one socket.
struct Csi {
  std::unique_ptr<::csi::v1::Identity::Stub> identity;
  std::unique_ptr<::csi::v1::Controller::Stub> controller;
  std::unique_ptr<::csi::v1::Node::Stub> node;

  DriverAbilities abilities;
  std::string node_id;

  /// Asks the driver what it can do. Errors: kUnavailable when nobody serves the socket.
  static Result<Csi> Connect(const std::filesystem::path& socket);
};

}  // namespace trivet::ctl
