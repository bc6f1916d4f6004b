#pragma once

#include "csi/volume/capability.h"

namespace trivet::csi {

/// With what a volume was staged at one path, published at one, or published to
/// its node by the controller.
struct Use {
  Capability capability;
  bool read_only = false;

  bool operator==(const Use&) const = default;
};

}  // namespace trivet::csi
