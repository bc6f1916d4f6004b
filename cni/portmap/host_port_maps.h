#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cni/packet_family.h"
#include "cni/portmap/host_port.h"
#include "cni/portmap/port_policy.h"
#include "common/linux/nftables_frame.h"

namespace trivet::cni {

// What HostPortTable's table consists of.

nft::Table HostPortsTable();

/// The map of ports with (`bound`) or without a hostIP, and that of their policies.
nft::Set PortMap(const PacketFamily& family, bool bound);
nft::Set PolicyMap(const PacketFamily& family, bool bound);
/// All maps of both kinds and families.
std::vector<nft::Set> AllMaps();

/// The key in both maps.
nft::Bytes KeyOf(const HostPort& port);
nft::Element PortElement(const HostPort& port, const std::string& owner);
nft::Element PolicyElement(const HostPort& port, const std::string& chain,
                           const std::string& owner);
/// Errors: kInvalidArgument for an element that is not ours.
Result<HostPort> ParsePortElement(const PacketFamily& family, bool bound,
                                  const nft::Element& element);

/// The interfaces with route_localnet. An element's comment is kOpened where it was off before.
nft::Set LocalnetSet();
nft::Element LocalnetElement(const std::string& interface);
inline constexpr const char* kOpened = "opened";

/// The table, the sets, and all chains but the policies'.
nft::Frame HostPortFrame();
/// The policy's chain and that of its mark, which policies of one mark share.
void AddPolicy(nft::Frame& frame, const PortPolicy& policy);
/// So that nothing refers to the maps any more.
void FlushHostPortChains(nft::Transaction& transaction);

}  // namespace trivet::cni
