#include "csi/forward/calls.h"

namespace trivet::csi {

std::unique_ptr<grpc::ClientContext> ContextFor(const grpc::ServerContext* caller) {
  if (caller == nullptr) return std::make_unique<grpc::ClientContext>();
  return grpc::ClientContext::FromServerContext(*caller);
}

Result<> ResultOf(const NodeLink& node, const grpc::Status& status) {
  if (status.ok()) return {};
  return std::unexpected(
      std::move(rpc::FromStatus(status)).Wrap(fmt::format("node {}", node.name())));
}

}  // namespace trivet::csi
