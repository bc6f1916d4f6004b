#include "cri-runtime/sandbox/spare_making.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <utility>

#include "common/linux/netns.h"
#include "cri-runtime/cni/config_directory.h"
#include "cri-runtime/state/id.h"

namespace trivet::sandbox {
namespace {

// Who has, or may have, made something in the namespace: one that fails may have done it before.
std::optional<network::Preparer> PrepareNetwork(const SpareParts& parts, const std::string& id,
                                                const UniqueFd& netns) {
  const auto config = network::LoadNetworkConfig(parts.config->cni_config_dir);
  if (!config) return std::nullopt;
  auto preparer = parts.network.PreparerOf(*config);
  if (!preparer) return std::nullopt;
  const network::Attachment attachment{
      .container_id = id,
      .netns = fmt::format("/proc/{}/fd/{}", ::getpid(), netns.get()),
      .args = {}};
  const auto prepared =
      parts.network.Prepare(*config, attachment, parts.pod_cidrs.CapabilityArgs());
  if (!prepared) spdlog::debug("no network is made ahead error=\"{}\"", prepared.error().message());
  return preparer;
}

Result<Spare> MakeSpare(const SpareParts& parts) {
  ASSIGN_OR_RETURN(std::string id, state::NewId());
  ASSIGN_OR_RETURN(LoadedShim shim, parts.launcher.Load(parts.config->shim, parts.paths.Shim(id)));
  ASSIGN_OR_RETURN(UniqueFd netns, MakeNetworkNamespace());
  auto preparer = PrepareNetwork(parts, id, netns);
  return Spare{.id = std::move(id),
               .netns = std::move(netns),
               .preparer = std::move(preparer),
               .shim = std::move(shim)};
}

}  // namespace

std::function<Result<Spare>()> SpareMaker(const SpareParts& parts) {
  return [parts] { return MakeSpare(parts); };
}

}  // namespace trivet::sandbox
