#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/integration/csi/driver_test.h"

namespace trivet::csi {

/// What the node says of a volume; the call must succeed. For drivers with --spec-level 1.13.
inline ::csi::v1::VolumeHealth HealthOf(::csi::v1::Node::Stub& node, const std::string& id) {
  Context context;
  ::csi::v1::NodeGetVolumeHealthRequest request;
  ::csi::v1::NodeGetVolumeHealthResponse response;
  request.set_volume_id(id);
  const auto status = node.NodeGetVolumeHealth(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.volume_health();
}

}  // namespace trivet::csi
