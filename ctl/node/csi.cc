#include "ctl/node/csi.h"

namespace trivet::ctl {
namespace {

namespace csi_api = ::csi::v1;
using ControllerRpc = csi_api::ControllerServiceCapability::RPC;
using NodeRpc = csi_api::NodeServiceCapability::RPC;

Result<DriverAbilities> ReadAbilities(Csi& csi) {
  DriverAbilities abilities;
  ASSIGN_OR_RETURN(const auto controller,
                   Call(*csi.controller, &csi_api::Controller::Stub::ControllerGetCapabilities,
                        csi_api::ControllerGetCapabilitiesRequest()),
                   "controller capabilities");
  for (const auto& capability : controller.capabilities()) {
    if (capability.rpc().type() == ControllerRpc::PUBLISH_UNPUBLISH_VOLUME) {
      abilities.controller_publish = true;
    }
  }
  ASSIGN_OR_RETURN(const auto node,
                   Call(*csi.node, &csi_api::Node::Stub::NodeGetCapabilities,
                        csi_api::NodeGetCapabilitiesRequest()),
                   "node capabilities");
  for (const auto& capability : node.capabilities()) {
    const auto type = capability.rpc().type();
    abilities.stage |= type == NodeRpc::STAGE_UNSTAGE_VOLUME;
    abilities.single_node_multi_writer |= type == NodeRpc::SINGLE_NODE_MULTI_WRITER;
    abilities.volume_mount_group |= type == NodeRpc::VOLUME_MOUNT_GROUP;
  }
  return abilities;
}

}  // namespace

Result<Csi> Csi::Connect(const std::filesystem::path& socket) {
  const auto channel = OpenChannel(socket);
  Csi csi{.identity = csi_api::Identity::NewStub(channel),
          .controller = csi_api::Controller::NewStub(channel),
          .node = csi_api::Node::NewStub(channel)};
  const std::string driver = fmt::format("CSI driver at {}", socket.native());
  RETURN_IF_ERROR(Call(*csi.identity, &csi_api::Identity::Stub::GetPluginInfo,
                       csi_api::GetPluginInfoRequest(), kHelloTimeout),
                  driver);
  ASSIGN_OR_RETURN(csi.abilities, ReadAbilities(csi), driver);
  ASSIGN_OR_RETURN(
      const auto info,
      Call(*csi.node, &csi_api::Node::Stub::NodeGetInfo, csi_api::NodeGetInfoRequest()), driver);
  csi.node_id = info.node_id();
  return csi;
}

}  // namespace trivet::ctl
