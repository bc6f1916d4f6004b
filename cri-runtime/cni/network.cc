#include "cri-runtime/cni/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

namespace trivet::network {
namespace {

constexpr auto kAnswerPatience = std::chrono::seconds(10);  // for VERSION and STATUS
constexpr auto kPreparePatience = std::chrono::seconds(2);  // a daemon that stops waits for it
constexpr auto kCollectPatience = std::chrono::seconds(30);

// The versions of NetworkConfig have one digit per part, so that they compare as texts.
constexpr std::string_view kFirstWithCheck = "0.4.0";
constexpr std::string_view kFirstWithCollect = "1.1.0";
constexpr std::string_view kFirstWithStatus = "1.1.0";

bool HasCollection(const NetworkConfig& network) {
  return !network.gc_disabled && network.cni_version >= kFirstWithCollect;
}

json::Value NamesOf(const std::vector<Attachment>& attachments) {
  json::Value names = json::Value::array();
  for (const Attachment& attachment : attachments) {
    names.push_back({{"containerID", attachment.container_id}, {"ifname", attachment.ifname}});
  }
  return names;
}

Result<std::string> WithoutPrefixLength(const std::string& cidr) {
  const std::string address = cidr.substr(0, cidr.find('/'));
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  if (::inet_pton(AF_INET, address.c_str(), binary.data()) == 1 ||
      ::inet_pton(AF_INET6, address.c_str(), binary.data()) == 1) {
    return address;
  }
  return Fail(Code::kInvalidArgument, "unexpected address \"{}\"", cidr);
}

// What a plugin says to be another interface's: of the node, or one more of the pod's.
bool IsOfAnother(const json::Value& result, const json::Value& ip, std::string_view ifname) {
  const auto interfaces = result.find("interfaces");
  const json::Value index = ip.is_object() ? ip.value("interface", json::Value()) : json::Value();
  if (interfaces == result.end() || !interfaces->is_array() || !index.is_number_unsigned() ||
      index.get<uint64_t>() >= interfaces->size()) {
    return false;
  }
  const json::Value& interface = (*interfaces)[index.get<size_t>()];
  return interface.is_object() && interface.value("name", json::Value()) != std::string(ifname);
}

Result<std::vector<std::string>> ReadIps(const json::Value& result, std::string_view ifname) {
  std::vector<std::string> own;
  std::vector<std::string> others;
  const auto ips = result.find("ips");
  if (ips == result.end() || !ips->is_array()) return own;
  for (const json::Value& ip : *ips) {
    auto& cidrs = IsOfAnother(result, ip, ifname) ? others : own;
    RETURN_IF_ERROR(json::ReadRequired(ip, "address", cidrs.emplace_back()), "ips");
  }
  return own.empty() ? others : own;
}

}  // namespace

Result<json::Value> Network::Add(const NetworkConfig& network, const Attachment& attachment,
                                 const json::Value& capability_args, Beside beside) const {
  const std::shared_lock lock(changing_);
  json::Value result;
  for (const Plugin& plugin : network.plugins) {
    const json::Value config = ExecutionConfig(network, plugin, capability_args, result);
    const Execution add{.type = plugin.type, .command = "ADD", .beside = std::exchange(beside, {})};
    ASSIGN_OR_RETURN(result, ExecutePlugin(own_, directories_, add, attachment, config));
  }
  if (!result.is_object()) {
    return Fail(Code::kInternal, "{} ADD: no result", network.plugins.back().type);
  }
  return result;
}

std::optional<Preparer> Network::PreparerOf(const NetworkConfig& network) const {
  auto program = FindOwnPlugin(own_, directories_, network.plugins.front().type);
  if (program == nullptr) return std::nullopt;
  return Preparer{.config = network.text, .program = std::move(program)};
}

// Beside GC as well, to which nothing of it counts: it would have to wait for one that hangs.
Result<> Network::Prepare(const NetworkConfig& network, const Attachment& attachment,
                          const json::Value& capability_args) const {
  const Plugin& first = network.plugins.front();
  const json::Value config = ExecutionConfig(network, first, capability_args, nullptr);
  RETURN_IF_ERROR(ExecutePlugin(own_, directories_, {first.type, "PREPARE", kPreparePatience},
                                attachment, config));
  return {};
}

Result<> Network::Delete(const NetworkConfig& network, const Attachment& attachment,
                         const json::Value& capability_args, const json::Value& add_result) const {
  const std::shared_lock lock(changing_);
  Result<> first_failure;
  for (auto plugin = network.plugins.rbegin(); plugin != network.plugins.rend(); ++plugin) {
    const json::Value config = ExecutionConfig(network, *plugin, capability_args, add_result);
    auto deleted = ExecutePlugin(own_, directories_, {plugin->type, "DEL"}, attachment, config);
    if (!deleted && first_failure) first_failure = std::unexpected(std::move(deleted).error());
  }
  return first_failure;
}

Result<> Network::Check(const NetworkConfig& network, const Attachment& attachment,
                        const json::Value& capability_args, const json::Value& add_result) const {
  if (network.check_disabled || network.cni_version < kFirstWithCheck) return {};
  const std::shared_lock lock(changing_);
  for (const Plugin& plugin : network.plugins) {
    const json::Value config = ExecutionConfig(network, plugin, capability_args, add_result);
    RETURN_IF_ERROR(ExecutePlugin(own_, directories_, {plugin.type, "CHECK"}, attachment, config));
  }
  return {};
}

Result<> Network::CollectGarbage(const NetworkConfig& network, const json::Value& capability_args,
                                 const std::function<std::vector<Attachment>()>& valid) const {
  if (!HasCollection(network)) return {};
  const std::unique_lock lock(changing_);
  const json::Value names = NamesOf(valid());
  Result<> first_failure;
  for (const Plugin& plugin : network.plugins) {
    json::Value config = ExecutionConfig(network, plugin, capability_args, nullptr);
    config["cni.dev/valid-attachments"] = names;
    config["cni.dev/attachments"] = names;  // as the specification's text had it at first
    auto collected =
        ExecutePlugin(own_, directories_, {plugin.type, "GC", kCollectPatience}, {}, config);
    if (!collected && first_failure) first_failure = std::unexpected(std::move(collected).error());
  }
  return first_failure;
}

bool Network::FreesTheUnknown(const NetworkConfig& network) const {
  return HasCollection(network) && std::ranges::all_of(network.plugins, [&](const Plugin& plugin) {
           return FindOwnPlugin(own_, directories_, plugin.type) != nullptr;
         });
}

Result<> Network::CheckVersions(const NetworkConfig& network) const {
  for (const Plugin& plugin : network.plugins) {
    ASSIGN_OR_RETURN(const json::Value answer,
                     ExecutePlugin(own_, directories_, {plugin.type, "VERSION", kAnswerPatience},
                                   {}, {{"cniVersion", network.cni_version}}));
    std::vector<std::string> supported;
    if (answer.is_object()) {
      RETURN_IF_ERROR(json::ReadOptional(answer, "supportedVersions", supported),
                      plugin.type + " VERSION");
    }
    if (std::ranges::find(supported, network.cni_version) != supported.end()) continue;
    return Fail(Code::kFailedPrecondition, "{} VERSION: speaks [{}], and the list wants {}",
                plugin.type, fmt::join(supported, ", "), network.cni_version);
  }
  return {};
}

Result<> Network::CheckStatus(const NetworkConfig& network,
                              const json::Value& capability_args) const {
  if (network.cni_version < kFirstWithStatus) return {};
  for (const Plugin& plugin : network.plugins) {
    const json::Value config = ExecutionConfig(network, plugin, capability_args, nullptr);
    RETURN_IF_ERROR(
        ExecutePlugin(own_, directories_, {plugin.type, "STATUS", kAnswerPatience}, {}, config));
  }
  return {};
}

Result<std::vector<std::string>> AddressesOf(const json::Value& result) {
  ASSIGN_OR_RETURN(std::vector<std::string> cidrs, ReadIps(result, Attachment().ifname));
  for (const std::string_view key : {"ip4", "ip6"}) {
    const auto ip = result.find(key);
    if (ip == result.end() || !ip->is_object()) continue;
    RETURN_IF_ERROR(json::ReadRequired(*ip, "ip", cidrs.emplace_back()), key);
  }
  std::vector<std::string> addresses;
  for (const std::string& cidr : cidrs) {
    ASSIGN_OR_RETURN(addresses.emplace_back(), WithoutPrefixLength(cidr), "result");
  }
  return addresses;
}

}  // namespace trivet::network
