#include "csi/forward/claims.h"

namespace trivet::csi {
namespace {

constexpr std::chrono::milliseconds kClaimPatience{2000};

Offer OfferIn(const ::csi::v1::ControllerGetCapabilitiesResponse& response) {
  using Claimed = ::csi::v1::ControllerServiceCapability::RPC;
  Offer offer{.mode = Mode::kController, .grows = false};
  for (const auto& capability : response.capabilities()) {
    offer.copies |= capability.rpc().type() == Claimed::CREATE_DELETE_SNAPSHOT;
    offer.grows |= capability.rpc().type() == Claimed::EXPAND_VOLUME;
    offer.attach |= capability.rpc().type() == Claimed::PUBLISH_UNPUBLISH_VOLUME;
  }
  return offer;
}

}  // namespace

Result<Offer> Claims::Ask(const grpc::ServerContext* caller) {
  const std::vector<NodeLinkPtr> nodes = nodes_.All();
  const auto answers =
      csi::Ask(caller, ToEach(nodes, ::csi::v1::ControllerGetCapabilitiesRequest()),
               &::csi::v1::Controller::Stub::AsyncControllerGetCapabilities,
               Patience<::csi::v1::ControllerGetCapabilitiesResponse>{.at_most = kClaimPatience});
  Offer all{.mode = Mode::kController, .level = level_, .grows = false};
  bool known = false;
  const std::lock_guard lock(mutex_);
  for (const auto& answer : answers) {
    if (answer.result) said_[answer.node->name()] = OfferIn(answer.response);
    const auto said = said_.find(answer.node->name());
    if (said == said_.end()) continue;
    known = true;
    all.copies |= said->second.copies;
    all.grows |= said->second.grows;
    all.attach |= said->second.attach;
  }
  if (known) return all;
  if (answers.empty()) return Fail(Code::kUnavailable, "there is no node");
  return Fail(Code::kUnavailable, "{}", answers.front().result.error().message());
}

}  // namespace trivet::csi
