#pragma once

#include <compare>
#include <string>

namespace trivet::cni {

/// What CNI calls an attachment: one container's interface in one network.
/// Source: CNI spec 1.1.0, section 2.
struct AttachmentKey {
  std::string network;
  std::string container_id;
  std::string ifname;

  auto operator<=>(const AttachmentKey&) const = default;
};

}  // namespace trivet::cni
