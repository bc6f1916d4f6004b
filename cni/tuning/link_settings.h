#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cni/link.h"
#include "common/base/error.h"
#include "common/base/json.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// What of an interface type "tuning" can set; absent stays as it is.
struct LinkSettings {
  std::string mac;
  uint32_t mtu_bytes = 0;
  std::optional<bool> promiscuous;
  std::optional<bool> all_multicast;
  std::optional<uint32_t> tx_queue_length;  // packets
  [[nodiscard]] bool empty() const {
    return mac.empty() && mtu_bytes == 0 && !promiscuous && !all_multicast && !tx_queue_length;
  }
};

/// What the link has of the settings that `asked` has.
LinkSettings CurrentSettings(const Link& link, const LinkSettings& asked);

/// In one message; the kernel may have done a part of it when it fails.
Result<> ApplySettings(netlink::RouteSocket& socket, const Link& link,
                       const LinkSettings& settings);

/// Errors: kFailedPrecondition that names the first setting the link does not have.
Result<> CompareSettings(const Link& link, const LinkSettings& wanted);

json::Value ToJson(const LinkSettings& settings);
/// Errors: kInvalidArgument that names the member.
Result<LinkSettings> ParseLinkSettings(const json::Value& value);

}  // namespace trivet::cni
