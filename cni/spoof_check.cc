#include "cni/spoof_check.h"

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstddef>

#include "cni/link.h"
#include "common/linux/file_lock.h"
#include "common/linux/nftables_frame.h"

namespace trivet::cni {
namespace {

constexpr uint32_t kBridgePreRouting = 0;  // NF_BR_PRE_ROUTING, linux/netfilter_bridge.h
constexpr int32_t kPriority = -300;   // NF_BR_PRI_NAT_DST_BRIDGED: as the reference plugin's chain
constexpr uint32_t kMacRegister = 4;  // behind the sixteen bytes of a name
constexpr const char* kSpoofChain = "spoof_check";

nft::Table SpoofTable() {
  return {.family = NFPROTO_BRIDGE, .name = "trivet_cni"};
}

nft::Set PortSet() {
  return {.name = "ports", .key = {nft::Type::kInterfaceName}};
}

nft::Set SenderSet() {
  return {.name = "senders", .key = {nft::Type::kInterfaceName, nft::Type::kEtherAddress}};
}

nft::Element PortElement(const std::string& port) {
  return {.key = nft::InterfaceKey(port), .last = {}, .verdict = {}};
}

nft::Element SenderElement(const std::string& port, const std::string& mac) {
  const auto octets = MacBytes(mac);
  nft::Element element{.key = {}, .last = {}, .verdict = {}};
  nft::Concat(element.key, nft::InterfaceKey(port));
  nft::Concat(element.key, {reinterpret_cast<const char*>(octets.data()), octets.size()});
  return element;
}

nft::Rule SpoofRule() {
  nft::Rule rule;
  rule.Meta(NFT_META_IIFNAME)
      .Lookup(PortSet().name)
      .Payload(NFT_PAYLOAD_LL_HEADER, offsetof(ethhdr, h_source), ETH_ALEN, kMacRegister)
      .LookupNot(SenderSet().name)
      .Decide({.code = NF_DROP, .chain = {}});
  return rule;
}

nft::Frame SpoofFrame() {
  nft::Frame frame{.table = SpoofTable(), .sets = {PortSet(), SenderSet()}, .chains = {}};
  nft::FilledChain& filled = frame.chains.emplace_back();
  filled.chain = {
      .name = kSpoofChain,
      .hook = nft::Hook{.type = "filter", .number = kBridgePreRouting, .priority = kPriority},
      .comment = "macspoofchk"};
  filled.rules.push_back(SpoofRule());
  return frame;
}

}  // namespace

Result<> SpoofCheck::Add(const std::string& port, const std::string& mac) {
  const nft::Element sender = SenderElement(port, mac);
  const nft::Element checked = PortElement(port);
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  return nft::CommitWithin(SpoofFrame(), [&](nft::Transaction& transaction) {
    transaction.AddElements(SenderSet(), {&sender, 1}, nft::Existing::kIsKept);
    transaction.AddElements(PortSet(), {&checked, 1}, nft::Existing::kIsKept);
  });
}

Result<> SpoofCheck::Remove(const std::string& port, const std::string& mac) {
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  nft::Transaction transaction(SpoofTable());
  const nft::Element sender = SenderElement(port, mac);
  const nft::Element checked = PortElement(port);
  transaction.EnsureNoElements(PortSet(), {&checked, 1});
  transaction.EnsureNoElements(SenderSet(), {&sender, 1});
  RETURN_IF_ERROR(std::move(transaction).CommitIfThere());
  return nft::DeleteTableIfEmpty(SpoofTable(), {PortSet()});
}

Result<> SpoofCheck::Check(const std::string& port, const std::string& mac) {
  const auto ports = nft::ReadElements(SpoofTable(), PortSet());
  const auto senders = nft::ReadElements(SpoofTable(), SenderSet());
  if (ports && senders && std::binary_search(ports->begin(), ports->end(), PortElement(port)) &&
      std::binary_search(senders->begin(), senders->end(), SenderElement(port, mac))) {
    return {};
  }
  return Fail(Code::kFailedPrecondition, "macspoofchk of port {} is not in force", port);
}

}  // namespace trivet::cni
