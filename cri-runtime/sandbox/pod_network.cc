#include "cri-runtime/sandbox/pod_network.h"

#include <limits>

#include "cri-runtime/sandbox/bandwidth.h"

namespace trivet::sandbox {
namespace {

// The burst is the largest that plugins take: what a shaper lets through at once is its own affair.
void AddBandwidth(const Bandwidth& bandwidth, json::Value& args) {
  constexpr uint64_t kBurstBits = std::numeric_limits<uint32_t>::max();
  if (bandwidth.ingress_bits) {
    args["bandwidth"]["ingressRate"] = *bandwidth.ingress_bits;
    args["bandwidth"]["ingressBurst"] = kBurstBits;
  }
  if (bandwidth.egress_bits) {
    args["bandwidth"]["egressRate"] = *bandwidth.egress_bits;
    args["bandwidth"]["egressBurst"] = kBurstBits;
  }
}

}  // namespace

network::Attachment AttachmentOf(const Record& record, const std::filesystem::path& netns) {
  const Metadata& metadata = record.config.metadata;
  return {.container_id = record.id,
          .netns = netns,
          .args = {{"IgnoreUnknown", "1"},
                   {"K8S_POD_NAMESPACE", metadata.namespace_name},
                   {"K8S_POD_NAME", metadata.name},
                   {"K8S_POD_INFRA_CONTAINER_ID", record.id},
                   {"K8S_POD_UID", metadata.uid}}};
}

Result<json::Value> CapabilityArgsOf(const Record& record, json::Value node_args) {
  json::Value args = std::move(node_args);
  ASSIGN_OR_RETURN(const Bandwidth bandwidth, BandwidthOf(record.config.annotations));
  AddBandwidth(bandwidth, args);
  if (!record.config.port_mappings.empty()) {
    json::Value& mappings = args["portMappings"] = json::Value::array();
    for (const PortMapping& mapping : record.config.port_mappings) {
      mappings.push_back(
          {{"hostPort", mapping.host_port},
           {"containerPort", mapping.container_port},
           {"protocol", Names(mapping.protocol).at(static_cast<size_t>(mapping.protocol))},
           {"hostIP", mapping.host_ip}});
    }
  }
  const Dns& dns = record.config.dns;
  args["dns"] = {{"servers", dns.servers}, {"searches", dns.searches}, {"options", dns.options}};
  args["io.kubernetes.cri.pod-annotations"] = record.config.annotations;
  args["cgroupPath"] = record.cgroup;
  return args;
}

Result<KeptAttachment> ReadAttachment(const Record& record, const std::filesystem::path& netns,
                                      const std::string& result) {
  KeptAttachment kept;
  ASSIGN_OR_RETURN(kept.config, network::ParseNetworkConfig(record.cni_config));
  // Without the path when it is gone: a plugin must not open what another pod made there.
  const bool alive = std::filesystem::exists(netns);
  kept.attachment = AttachmentOf(record, alive ? netns : std::filesystem::path());
  if (record.cni_args.empty()) {  // a record of an earlier version
    ASSIGN_OR_RETURN(kept.args, CapabilityArgsOf(record, json::Value::object()));
  } else {
    ASSIGN_OR_RETURN(kept.args, json::Parse(record.cni_args), "cni_args");
  }
  if (auto parsed = json::Parse(result)) kept.result = std::move(*parsed);
  return kept;
}

Result<> DetachNetwork(const network::Network& network, const Record& record,
                       const std::filesystem::path& netns, const std::string& result) {
  if (record.cni_config.empty()) return {};
  ASSIGN_OR_RETURN(const KeptAttachment kept, ReadAttachment(record, netns, result));
  return network.Delete(kept.config, kept.attachment, kept.args, kept.result);
}

}  // namespace trivet::sandbox
