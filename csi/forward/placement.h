#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "proto/csi/csi.pb.h"

/// On which node a new volume is made.
namespace trivet::csi {

/// Whether a volume on the node could be what is asked for, as far as the node's name tells: a
/// requirement without requisite terms allows every node.
bool Allows(const ::csi::v1::TopologyRequirement& requirement, const std::string& node);

/// The node that a term names; empty when it names none.
std::string NodeOf(const ::csi::v1::Topology& topology);

/// A node to ask for its capacity, and under which term (pools are segments, too).
struct Candidate {
  std::string node;
  ::csi::v1::Topology term;
  bool preferred = false;
};

/// The candidates among `nodes`: the preferred terms first, in their order, then the requisite
/// ones; without any term every node. A node that a term names is asked under that term only;
/// a term that names none is asked of all.
std::vector<Candidate> CandidatesOf(const std::vector<std::string>& nodes,
                                    const ::csi::v1::TopologyRequirement& requirement);

/// What a candidate can give.
struct Room {
  std::string node;
  uint64_t available_bytes = 0;
  bool preferred = false;
};

/// The nodes to try, each once: the preferred ones with room in their order, then the others with
/// room, the most of it first. Errors: kResourceExhausted saying how much each has.
Result<std::vector<std::string>> Choose(const std::vector<Room>& rooms, uint64_t required_bytes);

}  // namespace trivet::csi
