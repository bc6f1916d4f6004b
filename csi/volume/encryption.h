#pragma once

#include <string>

namespace trivet::csi {

/// Whether a volume is encrypted, and how far its LUKS container is made. As with its content, the
/// record alone decides whether one may be made: not ready, it never held anything.
struct Encryption {
  bool wanted = false;
  std::string uuid;    // given to luksFormat; empty: that never began
  bool ready = false;  // it is never made again

  bool operator==(const Encryption&) const = default;
};

}  // namespace trivet::csi
