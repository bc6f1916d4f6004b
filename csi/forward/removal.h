#pragma once

#include "csi/forward/holder.h"

namespace trivet::csi {

/// Hands a deletion to the node that has the object. When none says that it has it, to all: one of
/// them may have a deletion to finish, and for the others it is success. Errors: the node's;
/// kUnavailable when a node that may have it does not answer.
template <class Stub, class Request, class Response>
Result<> Remove(const grpc::ServerContext* caller, const std::vector<NodeLinkPtr>& nodes,
                const Sighting& sighting, AsyncMethod<Stub, Request, Response> method,
                const Request& request, Response& response) {
  const auto answers = sighting.holder ? Ask(caller, ToEach({sighting.holder}, request), method)
                                       : Ask(caller, ToEach(nodes, request), method);
  for (const auto& answer : answers) RETURN_IF_ERROR(answer.result);
  if (!answers.empty()) response = answers.front().response;
  return {};
}

}  // namespace trivet::csi
