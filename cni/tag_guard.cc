#include "cni/tag_guard.h"

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstddef>

#include "common/linux/file_lock.h"
#include "common/linux/nftables_frame.h"

namespace trivet::cni {
namespace {

constexpr uint32_t kHookOfEveryPort = 0;  // NF_BR_PRE_ROUTING, linux/netfilter_bridge.h
constexpr int32_t kBeforeOthers = -300;   // NF_BR_PRI_NAT_DST_BRIDGED

nft::Table UntaggedTable() {
  return {.family = NFPROTO_BRIDGE, .name = "trivet_untagged"};
}

nft::Set UntaggedPorts() {
  return {.name = "ports", .key = {nft::Type::kInterfaceName}};
}

nft::Element UntaggedPort(const std::string& port) {
  return {.key = nft::InterfaceKey(port), .last = {}, .verdict = {}};
}

// The kernel gives the tag's own type, also where it keeps the tag beside the frame.
nft::Rule DropTagged(uint16_t ethertype) {
  nft::Rule rule;
  rule.Meta(NFT_META_IIFNAME)
      .Lookup(UntaggedPorts().name)
      .Payload(NFT_PAYLOAD_LL_HEADER, offsetof(ethhdr, h_proto), sizeof ethertype)
      .Equal({static_cast<char>(ethertype >> 8), static_cast<char>(ethertype & 0xff)})
      .Decide({.code = NF_DROP, .chain = {}});
  return rule;
}

nft::Frame UntaggedFrame() {
  nft::Frame frame{.table = UntaggedTable(), .sets = {UntaggedPorts()}, .chains = {}};
  nft::FilledChain& filled = frame.chains.emplace_back();
  filled.chain = {
      .name = "untagged",
      .hook = nft::Hook{.type = "filter", .number = kHookOfEveryPort, .priority = kBeforeOthers},
      .comment = "no VLAN tags from pods with a policy"};
  filled.rules.push_back(DropTagged(ETH_P_8021Q));
  filled.rules.push_back(DropTagged(ETH_P_8021AD));
  return frame;
}

}  // namespace

Result<> TagGuard::Add(const std::string& port) {
  const nft::Element element = UntaggedPort(port);
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  return nft::CommitWithin(UntaggedFrame(), [&](nft::Transaction& transaction) {
    transaction.AddElements(UntaggedPorts(), {&element, 1}, nft::Existing::kIsKept);
  });
}

Result<> TagGuard::Remove(const std::string& port) {
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  const nft::Element element = UntaggedPort(port);
  nft::Transaction transaction(UntaggedTable());
  transaction.EnsureNoElements(UntaggedPorts(), {&element, 1});
  RETURN_IF_ERROR(std::move(transaction).CommitIfThere());
  return nft::DeleteTableIfEmpty(UntaggedTable(), {UntaggedPorts()});
}

Result<> TagGuard::Check(const std::string& port) {
  const auto ports = nft::ReadElements(UntaggedTable(), UntaggedPorts());
  if (ports && std::binary_search(ports->begin(), ports->end(), UntaggedPort(port))) return {};
  return Fail(Code::kFailedPrecondition, "port {} lets frames with a VLAN tag in", port);
}

}  // namespace trivet::cni
