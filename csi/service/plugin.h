#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "proto/csi/csi.pb.h"

namespace trivet::csi {

/// The driver's name, as CSIDriver and StorageClass.provisioner say it.
constexpr std::string_view kPluginName = "csi.trivet.dev";
/// The topology key of every volume: its value is the node's id, since a volume's
/// bytes are on one node.
constexpr const char* kTopologyKey = "topology.csi.trivet.dev/node";
/// The start of the keys, one per pool with the value "true", by which a StorageClass can ask for
/// nodes that have the pool.
constexpr std::string_view kPoolKeyPrefix = "topology.csi.trivet.dev/pool-";

/// Which services a process serves.
enum class Mode { kAll, kController, kNode };

/// The newest version of the spec whose capabilities are reported: an older CO, or
/// csi-sanity, takes one that it does not know for an error.
enum class SpecLevel { k1_11 = 11, k1_12 = 12, k1_13 = 13 };

/// What this process claims and serves.
struct Offer {
  Mode mode = Mode::kAll;
  SpecLevel level = SpecLevel::k1_12;
  bool copies = false;       // snapshots and clones: some pool can share blocks
  bool grows = true;         // expansion: volumes of some pool can become larger
  bool attach = false;       // ControllerPublishVolume; Kubernetes does without
  uint64_t max_volumes = 0;  // published to the node at a time; 0 = any number
};

/// Errors: kInvalidArgument when `node_id` is not 1-63 characters that a topology
/// value may have. Source: CSI spec, Topology.segments.
Result<> CheckNodeId(std::string_view node_id);

/// This node, and what it has.
struct Place {
  std::string node_id;
  std::map<std::string, std::string> pools;  // their names -> what each is, for people
};

/// Where a volume of the node is: in all its life there, whatever pools the node has.
::csi::v1::Topology TopologyOf(const std::string& node_id);
/// What NodeGetInfo says: the node's key and one of each pool.
::csi::v1::Topology TopologyOf(const Place& place);

/// Whether a volume made here would be accessible in `topology`; an empty one has no wishes.
bool Matches(const ::csi::v1::Topology& topology, const Place& place);

/// Errors: kResourceExhausted when the requirement names other nodes, or pools that this one has
/// not, only.
Result<> CheckTopology(const ::csi::v1::TopologyRequirement& requirement, const Place& place);

}  // namespace trivet::csi
