#include "csi/forward/placement.h"

#include <algorithm>

#include "csi/service/plugin.h"

namespace trivet::csi {
namespace {

void AddCandidates(const std::vector<std::string>& nodes, const ::csi::v1::Topology& term,
                   bool preferred, std::vector<Candidate>& candidates) {
  const std::string named = NodeOf(term);
  for (const std::string& node : nodes) {
    if (named.empty() || named == node) candidates.push_back({node, term, preferred});
  }
}

std::string DescribeRooms(const std::vector<Room>& rooms) {
  if (rooms.empty()) return "no node fits accessibility_requirements";
  std::string text;
  for (const Room& room : rooms) {
    text += fmt::format("{}{} has {}", text.empty() ? "" : ", ", room.node, room.available_bytes);
  }
  return text;
}

}  // namespace

std::string NodeOf(const ::csi::v1::Topology& topology) {
  const auto found = topology.segments().find(kTopologyKey);
  return found == topology.segments().end() ? std::string() : found->second;
}

bool Allows(const ::csi::v1::TopologyRequirement& requirement, const std::string& node) {
  return requirement.requisite().empty() ||
         std::ranges::any_of(requirement.requisite(), [&](const auto& term) {
           const std::string named = NodeOf(term);
           return named.empty() || named == node;
         });
}

std::vector<Candidate> CandidatesOf(const std::vector<std::string>& nodes,
                                    const ::csi::v1::TopologyRequirement& requirement) {
  std::vector<Candidate> candidates;
  for (const auto& term : requirement.preferred()) AddCandidates(nodes, term, true, candidates);
  for (const auto& term : requirement.requisite()) AddCandidates(nodes, term, false, candidates);
  // Preferences without requisite terms are wishes: any other node will do, too.
  if (requirement.requisite().empty()) AddCandidates(nodes, {}, false, candidates);
  return candidates;
}

Result<std::vector<std::string>> Choose(const std::vector<Room>& rooms, uint64_t required_bytes) {
  std::vector<Room> fits;
  std::ranges::copy_if(rooms, std::back_inserter(fits), [&](const Room& room) {
    return room.available_bytes >= std::max<uint64_t>(required_bytes, 1);
  });
  const auto others =
      std::ranges::stable_partition(fits, [](const Room& r) { return r.preferred; });
  std::ranges::stable_sort(others, std::ranges::greater(), &Room::available_bytes);
  std::vector<std::string> nodes;
  for (const Room& room : fits) {
    if (std::ranges::find(nodes, room.node) == nodes.end()) nodes.push_back(room.node);
  }
  if (!nodes.empty()) return nodes;
  return Fail(Code::kResourceExhausted, "no node has {} bytes: {}", required_bytes,
              DescribeRooms(rooms));
}

}  // namespace trivet::csi
