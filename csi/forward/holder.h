#pragma once

#include "csi/forward/calls.h"

/// Which node has a volume, a snapshot or a group: ids do not say, so all nodes are asked at once.
/// The first one that has it is the answer; only when none has does a node that is silent matter.
namespace trivet::csi {

/// What the nodes say of an id.
struct Sighting {
  NodeLinkPtr holder;                      // null when none says that it has it
  std::map<std::string, Error> uncertain;  // node -> why it cannot say that it does not
};

Sighting FindVolume(const grpc::ServerContext* caller, const std::vector<NodeLinkPtr>& nodes,
                    const std::string& volume_id);
Sighting FindSnapshot(const grpc::ServerContext* caller, const std::vector<NodeLinkPtr>& nodes,
                      const std::string& snapshot_id);
Sighting FindGroup(const grpc::ServerContext* caller, const std::vector<NodeLinkPtr>& nodes,
                   const std::string& group_id);

/// `what` ("volume v-…") is in the message. Errors: kNotFound when all nodes answered; otherwise
/// kUnavailable, or kAborted when an operation on it is under way; kDeadlineExceeded and
/// kCancelled are the caller's own.
Result<NodeLinkPtr> HolderOf(const Sighting& sighting, const std::string& what);

/// The error for a node that may have it.
Error UncertaintyOf(const Error& why, const std::string& what);

}  // namespace trivet::csi
