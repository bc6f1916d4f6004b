#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include "common/linux/file.h"
#include "common/linux/netlink.h"
#include "common/linux/nftables.h"
#include "ctl/doctor/check.h"
#include "ctl/doctor/isolated.h"

namespace trivet::ctl::doctor {
namespace {

const nft::Table kTable{NFPROTO_IPV4, "trivetctl_doctor"};

Result<> DeleteTable() {
  nft::Transaction transaction(kTable);
  transaction.DeleteTable();
  return std::move(transaction).Commit();
}

Result<> MakeTable() {
  nft::Transaction transaction(kTable);
  transaction.AddTable();
  transaction.AddChain(
      {.name = "forward", .hook = nft::Hook{.number = NF_INET_FORWARD, .priority = 0}});
  transaction.AddSet({.name = "pods", .key = {nft::Type::kIpv4Address}});
  RETURN_IF_ERROR(std::move(transaction).Commit());
  return DeleteTable();
}

Result<> MakeMasquerade() {
  nft::Transaction transaction(kTable);
  transaction.AddTable();
  transaction.AddChain(
      {.name = "postrouting",
       .hook = nft::Hook{.type = "nat", .number = NF_INET_POST_ROUTING, .priority = 100}});
  transaction.AddRule("postrouting", nft::Rule()
                                         .CtTuple(NFT_CT_SRC_IP, IP_CT_DIR_ORIGINAL)
                                         .Equal(nft::Bytes("\x0a\x58\x00\x02", 4))
                                         .Masquerade());
  RETURN_IF_ERROR(std::move(transaction).Commit());
  return DeleteTable();
}

Result<> MakeLink(const char* name, const char* kind) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  netlink::Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, name).Nest(IFLA_LINKINFO, [&](auto& info) {
    info.String(IFLA_INFO_KIND, kind);
  });
  return socket.Execute(request, fmt::format("create {}", kind));
}

// What `make` makes goes with the namespace it is made in.
std::function<Result<Answer>(const Host&)> Isolated(std::function<Result<>()> make) {
  return [make = std::move(make)](const Host& /*host*/) -> Result<Answer> {
    RETURN_IF_ERROR(InNewNetworkNamespace(make));
    return Answer{};
  };
}

Result<Answer> ProbeBridgeFirewall(const Host& host) {
  if (std::filesystem::exists(host.Proc("sys/net/bridge/bridge-nf-call-iptables"))) {
    return Answer{};
  }
  return Answer{State::kMissing, "br_netfilter is not loaded"};
}

Result<Answer> ProbeIpv6(const Host& host) {
  auto disabled = ReadFile(host.Proc("sys/net/ipv6/conf/all/disable_ipv6"));
  if (!disabled) return Answer{State::kMissing, "the kernel has no IPv6"};
  if (disabled->starts_with('0')) return Answer{};
  return Answer{State::kLimited, "switched off by net.ipv6.conf.all.disable_ipv6"};
}

}  // namespace

std::vector<Check> NetworkChecks() {
  return {
      {"network", "nftables", Need::kRequired,
       "network policy and masquerading (trivet-netpolicy, "
       "trivet-cni)",
       "modprobe nf_tables", Isolated(MakeTable)},
      {"network", "nftables with connection tracking and masquerade", Need::kRequired,
       "network policy, and pods that reach other networks",
       "modprobe nft_ct nft_masq nf_conntrack", Isolated(MakeMasquerade)},
      {"network", "bridge", Need::kOptional, "networks of type bridge", "modprobe bridge",
       Isolated([] { return MakeLink("trivet0", "bridge"); })},
      {"network", "veth", Need::kRequired, "a pod's link to its node", "modprobe veth",
       Isolated([] { return MakeLink("trivet0", "veth"); })},
      {"network", "br_netfilter", Need::kOptional, "network policy between pods on one bridge",
       "modprobe br_netfilter", ProbeBridgeFirewall},
      {"network", "IPv6", Need::kOptional, "dual-stack pods",
       "sysctl -w net.ipv6.conf.all.disable_ipv6=0", ProbeIpv6},
  };
}

}  // namespace trivet::ctl::doctor
