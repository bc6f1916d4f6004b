#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/linux/nftables.h"
#include "netpolicy/model/isolation.h"
#include "netpolicy/model/objects.h"

/// The content of our nftables table as plain data: what is compiled from the cluster, compared by
/// MakePlan and written by the firewall. docs/netpolicy.md draws the table.
namespace trivet::netpolicy {

/// One allowing rule of a class chain: every member that is set must match, then the packet returns
/// to the caller. Sets are named.
struct ClassRule {
  bool ipv6 = false;                 // the family of the peer's address
  std::optional<std::string> peers;  // address
  std::optional<Protocol> protocol;
  std::optional<std::string> ports;          // port range
  std::optional<std::string> services;       // protocol . port
  std::optional<std::string> peer_services;  // address . protocol . port
  friend bool operator==(const ClassRule&, const ClassRule&) = default;
};

/// The chain that all pods with the same policies in one direction share. What no rule allows is
/// dropped. The name is made from the content: chains of one name have the same rules.
struct ClassChain {
  Direction direction = Direction::kIngress;
  std::vector<ClassRule> rules;
  std::string comment;
};

struct SetContent {
  nft::Set set;
  std::vector<nft::Element> elements;  // sorted, unique
};

struct Ruleset {
  std::map<std::string, ClassChain> chains;
  std::map<std::string, SetContent> sets;
};

/// The sets that the fixed chains refer to; they always exist.
namespace fixed_sets {
constexpr const char* kEgress4 = "egress4";  // verdict maps: pod address to class chain
constexpr const char* kEgress6 = "egress6";
constexpr const char* kIngress4 = "ingress4";
constexpr const char* kIngress6 = "ingress6";
constexpr const char* kPods4 = "pods4";  // the addresses that are policed
constexpr const char* kPods6 = "pods6";
constexpr const char* kSelf4 = "self4";  // address . the same address
constexpr const char* kSelf6 = "self6";
constexpr const char* kNodeRanges4 = "node_ranges4";  // where an unknown address is nobody's
constexpr const char* kNodeRanges6 = "node_ranges6";
constexpr const char* kFlooded = "flooded";  // protocols whose broadcasts stay out
}  // namespace fixed_sets

/// The class of a pod that the agent knows nothing about yet.
constexpr const char* kDenyChain = "deny";

}  // namespace trivet::netpolicy
