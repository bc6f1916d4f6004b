#include "cni/masquerade.h"

#include <netinet/in.h>
// After glibc's header, which the kernel's give way to.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>

#include "cni/hash.h"
#include "cni/packet_family.h"
#include "common/linux/file_lock.h"
#include "common/linux/nftables_frame.h"

namespace trivet::cni {
namespace {

nft::Table OurTable() {
  return {.family = NFPROTO_INET, .name = "trivet_cni"};
}

nft::Chain MakeChain(const std::string& network) {
  return {
      .name = MasqueradeChainName(network),
      .hook =
          nft::Hook{.type = "nat", .number = NF_INET_POST_ROUTING, .priority = NF_IP_PRI_NAT_SRC},
      .comment = network};
}

nft::Set MakeSet(const std::string& network, const PacketFamily& family) {
  return {.name = MasqueradeChainName(network) + family.suffix,
          .key = {family.type},
          .comment = network};
}

std::vector<nft::Element> ElementsOf(const std::vector<IpAddress>& pods,
                                     const PacketFamily& family) {
  std::vector<nft::Element> elements;
  for (const IpAddress& pod : pods) {
    if (pod.is_v4() == family.v4)
      elements.push_back({.key = BytesOf(pod), .last = {}, .verdict = {}});
  }
  return elements;
}

// Goes on when the destination is not in `spared`.
void SpareDestination(nft::Rule& rule, const PacketFamily& family, const IpPrefix& spared) {
  const nft::Bytes network = BytesOf(spared.Network().address);
  rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, family.destination_offset,
               static_cast<uint32_t>(network.size()))
      .Bitwise(MaskOf(spared), nft::Bytes(network.size(), '\0'))
      .NotEqual(network);
}

Result<nft::Rule> MakeRule(const std::string& network, const PacketFamily& family,
                           const std::vector<IpPrefix>& subnets) {
  nft::Rule rule;
  rule.Meta(NFT_META_NFPROTO)
      .Equal(nft::Bytes(1, static_cast<char>(family.number)))
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, family.source_offset, family.address_bytes)
      .Lookup(MakeSet(network, family).name);
  for (const IpPrefix& subnet : subnets) {
    if (subnet.address.is_v4() == family.v4) SpareDestination(rule, family, subnet);
  }
  ASSIGN_OR_RETURN(const IpPrefix multicast,
                   IpPrefix::Parse(family.v4 ? "224.0.0.0/4" : "ff00::/8"));
  SpareDestination(rule, family, multicast);
  rule.Masquerade();
  return rule;
}

Result<nft::Frame> MakeFrame(const std::string& network, const std::vector<IpPrefix>& subnets) {
  nft::Frame frame{.table = OurTable(), .sets = {}, .chains = {}};
  nft::FilledChain& filled = frame.chains.emplace_back();
  filled.chain = MakeChain(network);
  for (const PacketFamily& family : PacketFamilies()) {
    frame.sets.push_back(MakeSet(network, family));
    ASSIGN_OR_RETURN(nft::Rule rule, MakeRule(network, family, subnets));
    filled.rules.push_back(std::move(rule));
  }
  return frame;
}

}  // namespace

std::string MasqueradeChainName(const std::string& network) {
  constexpr size_t kShown = 64;
  std::string name = network.substr(0, kShown);
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return fmt::format("net_{}_{:08x}", name, Hash(network) >> 32);
}

Result<> Masquerade::Add(const std::vector<IpPrefix>& subnets, const std::vector<IpAddress>& pods) {
  ASSIGN_OR_RETURN(const nft::Frame frame, MakeFrame(network_, subnets));
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  return nft::CommitWithin(frame, [&](nft::Transaction& transaction) {
    for (const PacketFamily& family : PacketFamilies()) {
      transaction.AddElements(MakeSet(network_, family), ElementsOf(pods, family),
                              nft::Existing::kIsKept);
    }
  });
}

Result<> Masquerade::Remove(const std::vector<IpAddress>& pods) {
  nft::Transaction transaction(OurTable());
  for (const PacketFamily& family : PacketFamilies()) {
    const auto elements = ElementsOf(pods, family);
    if (!elements.empty()) transaction.EnsureNoElements(MakeSet(network_, family), elements);
  }
  if (transaction.empty()) return {};
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  return std::move(transaction).CommitIfThere();
}

Result<> Masquerade::Retain(const std::vector<IpAddress>& pods) {
  nft::Transaction transaction(OurTable());
  for (const PacketFamily& family : PacketFamilies()) {
    const nft::Set set = MakeSet(network_, family);
    ASSIGN_OR_RETURN(auto there, nft::ReadElementsIfThere(OurTable(), set));
    const auto wanted = ElementsOf(pods, family);
    std::erase_if(there, [&](const nft::Element& element) {
      return std::find(wanted.begin(), wanted.end(), element) != wanted.end();
    });
    if (!there.empty()) transaction.EnsureNoElements(set, there);
  }
  if (transaction.empty()) return {};
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  return std::move(transaction).CommitIfThere();
}

Result<> Masquerade::RemoveNetwork() {
  const nft::Chain chain = MakeChain(network_);
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  nft::Transaction transaction(OurTable());
  transaction.FlushChain(chain.name);
  transaction.DeleteChain(chain.name);
  for (const PacketFamily& family : PacketFamilies())
    transaction.DeleteSet(MakeSet(network_, family).name);
  RETURN_IF_ERROR(std::move(transaction).CommitIfThere());

  const auto sets = nft::ReadSetNames(OurTable());
  if (!sets) {
    if (sets.error().code() == Code::kNotFound) return {};
    return std::unexpected(sets.error());
  }
  if (!sets->empty()) return {};
  nft::Transaction last(OurTable());
  last.DeleteTable();
  return std::move(last).CommitIfThere();
}

Result<> Masquerade::Check(const std::vector<IpAddress>& pods) {
  for (const PacketFamily& family : PacketFamilies()) {
    const auto wanted = ElementsOf(pods, family);
    if (wanted.empty()) continue;
    const auto there = nft::ReadElements(OurTable(), MakeSet(network_, family));
    const bool all = there && std::all_of(wanted.begin(), wanted.end(), [&](const auto& element) {
                       return std::binary_search(there->begin(), there->end(), element);
                     });
    if (!all) return Fail(Code::kFailedPrecondition, "masquerade of {} is not in force", network_);
  }
  return {};
}

}  // namespace trivet::cni
