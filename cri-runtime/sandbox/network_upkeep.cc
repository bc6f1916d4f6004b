#include "cri-runtime/sandbox/network_upkeep.h"

#include <spdlog/spdlog.h>

#include <map>

#include "cri-runtime/cni/config_directory.h"
#include "cri-runtime/sandbox/pod_network.h"

namespace trivet::sandbox {
namespace {

// By name. What is configured now counts more than what an old attachment was made with.
std::map<std::string, network::NetworkConfig> KnownNetworks(const cri::Node& node) {
  std::map<std::string, network::NetworkConfig> networks;
  const auto snapshot = node.store.Get();
  for (const auto& [id, sandbox] : snapshot->sandboxes) {
    if (!sandbox->state.network_attached) continue;
    auto config = network::ParseNetworkConfig(sandbox->record->cni_config);
    if (config) networks.insert_or_assign(config->name, std::move(*config));
  }
  if (auto now = network::LoadNetworkConfig(node.config->cni_config_dir)) {
    networks.insert_or_assign(now->name, std::move(*now));
  }
  return networks;
}

Result<> CheckPod(cri::Node& node, const std::string& id) {
  const auto lock = node.sandbox_locks.LockShared(id);
  const auto snapshot = node.store.Get();
  const auto found = snapshot->sandboxes.find(id);
  if (found == snapshot->sandboxes.end() || found->second->state.phase != Phase::kReady) return {};
  const Record& record = *found->second->record;
  if (record.cni_config.empty()) return {};
  ASSIGN_OR_RETURN(
      const KeptAttachment kept,
      ReadAttachment(record, node.paths.NetworkNamespace(id), found->second->state.cni_result));
  return node.network.Check(kept.config, kept.attachment, kept.args, kept.result);
}

}  // namespace

std::vector<network::Attachment> ValidAttachments(const cri::Node& node, const std::string& name) {
  std::vector<network::Attachment> valid;
  const auto snapshot = node.store.Get();
  for (const auto& [id, sandbox] : snapshot->sandboxes) {
    if (!sandbox->state.network_attached) continue;
    const auto config = network::ParseNetworkConfig(sandbox->record->cni_config);
    if (config && config->name == name) {
      valid.push_back(AttachmentOf(*sandbox->record, node.paths.NetworkNamespace(id)));
    }
  }
  return valid;
}

void TidyNetworks(cri::Node& node, const std::stop_token& stop) {
  for (const auto& [name, network] : KnownNetworks(node)) {
    if (stop.stop_requested()) return;
    const auto collected = node.network.CollectGarbage(
        network, node.pod_cidrs.CapabilityArgs(), [&] { return ValidAttachments(node, name); });
    if (collected) continue;
    spdlog::warn("network garbage is left network={} error=\"{}\"", name,
                 collected.error().message());
  }
  const auto snapshot = node.store.Get();
  for (const auto& [id, sandbox] : snapshot->sandboxes) {
    if (stop.stop_requested()) return;
    const auto checked = CheckPod(node, id);
    if (checked) continue;
    spdlog::warn("network of a pod is damaged sandbox={} error=\"{}\"", id,
                 checked.error().message());
  }
}

}  // namespace trivet::sandbox
