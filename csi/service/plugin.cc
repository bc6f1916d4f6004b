#include "csi/service/plugin.h"

#include <algorithm>
#include <cctype>

namespace trivet::csi {

Result<> CheckNodeId(std::string_view node_id) {
  constexpr size_t kMaxBytes = 63;
  const auto is_alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto is_inner = [&](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  const bool fits = !node_id.empty() && node_id.size() <= kMaxBytes && is_alnum(node_id.front()) &&
                    is_alnum(node_id.back()) && std::ranges::all_of(node_id, is_inner);
  if (fits) return {};
  return Fail(Code::kInvalidArgument, "node id \"{}\": want 1-63 of A-Z a-z 0-9 - _ .", node_id);
}

::csi::v1::Topology TopologyOf(const std::string& node_id) {
  ::csi::v1::Topology topology;
  (*topology.mutable_segments())[kTopologyKey] = node_id;
  return topology;
}

::csi::v1::Topology TopologyOf(const Place& place) {
  ::csi::v1::Topology topology = TopologyOf(place.node_id);
  for (const auto& [pool, what] : place.pools) {
    (*topology.mutable_segments())[std::string(kPoolKeyPrefix) + pool] = "true";
  }
  return topology;
}

bool Matches(const ::csi::v1::Topology& topology, const Place& place) {
  const ::csi::v1::Topology here = TopologyOf(place);
  return std::ranges::all_of(topology.segments(), [&](const auto& segment) {
    const auto found = here.segments().find(segment.first);
    return found != here.segments().end() && found->second == segment.second;
  });
}

Result<> CheckTopology(const ::csi::v1::TopologyRequirement& requirement, const Place& place) {
  const auto& requisite = requirement.requisite();
  if (requisite.empty()) return {};
  if (std::ranges::any_of(requisite, [&](const auto& term) { return Matches(term, place); })) {
    return {};
  }
  return Fail(Code::kResourceExhausted,
              "accessibility_requirements: none of them is this node, {}={}, and its pools",
              kTopologyKey, place.node_id);
}

}  // namespace trivet::csi
