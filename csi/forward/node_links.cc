#include "csi/forward/node_links.h"

#include <grpcpp/grpcpp.h>

#include "common/rpc/server.h"

namespace trivet::csi {
namespace {

// A node that is away is noticed within seconds, and so is its return.
grpc::ChannelArguments LinkArguments(const std::string& name) {
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(name);  // whose certificate it has to show
  arguments.SetMaxReceiveMessageSize(rpc::Server::kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(rpc::Server::kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3000);  // as long may one attempt take
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 3000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10000);  // only while a call waits
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // also of a call that takes long
  return arguments;
}

}  // namespace

NodeLink::NodeLink(std::string name, std::string address,
                   const std::shared_ptr<grpc::Channel>& channel)
    : name_(std::move(name)),
      address_(std::move(address)),
      stubs_(::csi::v1::Identity::NewStub(channel), ::csi::v1::Controller::NewStub(channel),
             ::csi::v1::GroupController::NewStub(channel),
             ::csi::v1::SnapshotMetadata::NewStub(channel)) {}

NodeLinkPtr NodeLinks::Connect(const std::string& name, const std::string& address) const {
  const auto credentials = IsUnix(address) ? grpc::InsecureChannelCredentials() : tls_;
  return std::make_shared<NodeLink>(
      name, address, grpc::CreateCustomChannel(address, credentials, LinkArguments(name)));
}

Result<> NodeLinks::Follow(const Endpoints& endpoints) {
  for (const auto& [name, address] : endpoints) {
    if (!IsUnix(address) && tls_ == nullptr) {
      return Fail(Code::kInvalidArgument, "node {}: {} needs --tls-cert, --tls-key and --tls-ca",
                  name, address);
    }
  }
  const std::lock_guard lock(mutex_);
  std::map<std::string, NodeLinkPtr> links;
  for (const auto& [name, address] : endpoints) {
    const auto known = links_.find(name);
    const bool same = known != links_.end() && known->second->address() == address;
    links[name] = same ? known->second : Connect(name, address);
  }
  links_ = std::move(links);
  return {};
}

std::vector<NodeLinkPtr> NodeLinks::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<NodeLinkPtr> all;
  for (const auto& [name, link] : links_) all.push_back(link);
  return all;
}

}  // namespace trivet::csi
