#include "cri-runtime/sandbox/pod_network.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "common/linux/file.h"
#include "common/linux/netlink.h"
#include "common/linux/netns.h"

namespace trivet::sandbox {

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

json::Value CapabilityArgsOf(const Record& record) {
  json::Value args = json::Value::object();
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

Result<> SetLoopbackUp(const std::filesystem::path& netns) {
  ASSIGN_OR_RETURN(netlink::RouteSocket socket, OpenRouteSocketIn(netns));
  netlink::Request request(RTM_NEWLINK, 0);
  constexpr int kLoopbackIndex = 1;  // drivers/net/loopback.c: the first of each namespace
  request.Struct(ifinfomsg{.ifi_index = kLoopbackIndex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
  return socket.Execute(request, "set loopback up");
}

Result<std::vector<std::string>> AttachNetwork(const network::Network& network,
                                               const Record& record,
                                               const std::filesystem::path& netns,
                                               const std::filesystem::path& result_file) {
  ASSIGN_OR_RETURN(const network::NetworkConfig config,
                   network::ParseNetworkConfig(record.cni_config));
  ASSIGN_OR_RETURN(const json::Value result,
                   network.Add(config, AttachmentOf(record, netns), CapabilityArgsOf(record)));
  RETURN_IF_ERROR(WriteFileVolatile(result_file, json::WritePretty(result)), "keep result");
  return network::AddressesOf(result);
}

Result<> DetachNetwork(const network::Network& network, const Record& record,
                       const std::filesystem::path& netns,
                       const std::filesystem::path& result_file) {
  if (record.cni_config.empty()) return {};
  ASSIGN_OR_RETURN(const network::NetworkConfig config,
                   network::ParseNetworkConfig(record.cni_config));
  json::Value result;  // null: ADD did not come to an end
  if (const auto text = ReadFile(result_file)) {
    if (auto parsed = json::Parse(*text)) result = std::move(*parsed);
  }
  const bool alive = std::filesystem::exists(netns);
  const network::Attachment attachment =
      AttachmentOf(record, alive ? netns : std::filesystem::path());
  RETURN_IF_ERROR(network.Delete(config, attachment, CapabilityArgsOf(record), result));
  return RemoveFile(result_file);
}

}  // namespace trivet::sandbox
