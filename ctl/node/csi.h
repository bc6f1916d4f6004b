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

  static Csi Connect(const std::filesystem::path& socket);
};

Result<DriverAbilities> ReadAbilities(Csi& csi);
Result<std::string> ReadNodeId(Csi& csi);

}  // namespace trivet::ctl
