#include "cni/masquerade.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>
// After glibc's headers, which the kernel's give way to.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>
#include <cstddef>

#include "cni/hash.h"
#include "common/linux/file.h"
#include "common/linux/file_lock.h"
#include "common/linux/nftables.h"

namespace trivet::cni {
namespace {

struct Family {
  uint8_t number;
  bool v4;
  nft::Type type;
  uint32_t source_offset;
  uint32_t destination_offset;
  const char* multicast;
  const char* suffix;
};

constexpr Family kFamilies[] = {
    {NFPROTO_IPV4, true, nft::Type::kIpv4Address, offsetof(iphdr, saddr), offsetof(iphdr, daddr),
     "224.0.0.0/4", "_v4"},
    {NFPROTO_IPV6, false, nft::Type::kIpv6Address, offsetof(ip6_hdr, ip6_src),
     offsetof(ip6_hdr, ip6_dst), "ff00::/8", "_v6"}};

nft::Table OurTable() {
  return {.family = NFPROTO_INET, .name = "trivet_cni"};
}

nft::Bytes BytesOf(const IpAddress& address) {
  const auto bytes = address.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

nft::Bytes MaskOf(const IpPrefix& prefix) {
  const size_t bytes = prefix.address.bytes().size();
  const auto ones = IpAddress::FromBytes(std::vector<std::byte>(bytes, std::byte{0xff}));
  return BytesOf(ones->WithHostBits(prefix.length, false));
}

nft::Chain MakeChain(const std::string& network) {
  return {
      .name = MasqueradeChainName(network),
      .hook =
          nft::Hook{.type = "nat", .number = NF_INET_POST_ROUTING, .priority = NF_IP_PRI_NAT_SRC},
      .comment = network};
}

nft::Set MakeSet(const std::string& network, const Family& family) {
  return {.name = MasqueradeChainName(network) + family.suffix,
          .key = {family.type},
          .comment = network};
}

std::vector<nft::Element> ElementsOf(const std::vector<IpAddress>& pods, const Family& family) {
  std::vector<nft::Element> elements;
  for (const IpAddress& pod : pods) {
    if (pod.is_v4() == family.v4)
      elements.push_back({.key = BytesOf(pod), .last = {}, .verdict = {}});
  }
  return elements;
}

// Goes on when the destination is not in `spared`.
void SpareDestination(nft::Rule& rule, const Family& family, const IpPrefix& spared) {
  const nft::Bytes network = BytesOf(spared.Network().address);
  rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, family.destination_offset,
               static_cast<uint32_t>(network.size()))
      .Bitwise(MaskOf(spared), nft::Bytes(network.size(), '\0'))
      .NotEqual(network);
}

Result<nft::Rule> MakeRule(const std::string& network, const Family& family,
                           const std::vector<IpPrefix>& subnets) {
  const uint32_t address_bytes = family.v4 ? 4 : 16;
  nft::Rule rule;
  rule.Meta(NFT_META_NFPROTO)
      .Equal(nft::Bytes(1, static_cast<char>(family.number)))
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, family.source_offset, address_bytes)
      .Lookup(MakeSet(network, family).name);
  for (const IpPrefix& subnet : subnets) {
    if (subnet.address.is_v4() == family.v4) SpareDestination(rule, family, subnet);
  }
  ASSIGN_OR_RETURN(const IpPrefix multicast, IpPrefix::Parse(family.multicast));
  SpareDestination(rule, family, multicast);
  rule.Masquerade();
  return rule;
}

Result<FileLock> AcquireLock(const std::filesystem::path& file) {
  RETURN_IF_ERROR(EnsureDirectory(file.parent_path()));  // DEL may be the first to come
  return FileLock::Acquire(file);
}

Result<> AbsentIsSuccess(Result<> done) {
  if (!done && done.error().code() == Code::kNotFound) return {};
  return done;
}

}  // namespace

std::string MasqueradeChainName(const std::string& network) {
  constexpr size_t kShown = 64;
  std::string name = network.substr(0, kShown);
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return fmt::format("net_{}_{:08x}", name, Hash(network) >> 32);
}

Result<> Masquerade::Add(const std::vector<IpPrefix>& subnets, const std::vector<IpAddress>& pods) {
  const nft::Chain chain = MakeChain(network_);
  nft::Transaction transaction(OurTable());
  transaction.AddTable(nft::Existing::kIsKept);
  transaction.AddChain(chain, nft::Existing::kIsKept);
  transaction.FlushChain(chain.name);
  for (const Family& family : kFamilies) {
    const nft::Set set = MakeSet(network_, family);
    transaction.AddSet(set, nft::Existing::kIsKept);
    ASSIGN_OR_RETURN(nft::Rule rule, MakeRule(network_, family, subnets));
    transaction.AddRule(chain.name, std::move(rule));
    const auto elements = ElementsOf(pods, family);
    if (!elements.empty()) transaction.AddElements(set, elements, nft::Existing::kIsKept);
  }
  ASSIGN_OR_RETURN(const FileLock lock, AcquireLock(lock_file_));
  return std::move(transaction).Commit();
}

Result<> Masquerade::Remove(const std::vector<IpAddress>& pods) {
  nft::Transaction transaction(OurTable());
  for (const Family& family : kFamilies) {
    const auto elements = ElementsOf(pods, family);
    if (!elements.empty()) transaction.EnsureNoElements(MakeSet(network_, family), elements);
  }
  if (transaction.empty()) return {};
  ASSIGN_OR_RETURN(const FileLock lock, AcquireLock(lock_file_));
  return AbsentIsSuccess(std::move(transaction).Commit());
}

Result<> Masquerade::Retain(const std::vector<IpAddress>& pods) {
  nft::Transaction transaction(OurTable());
  for (const Family& family : kFamilies) {
    const nft::Set set = MakeSet(network_, family);
    auto there = nft::ReadElements(OurTable(), set);
    if (!there && there.error().code() == Code::kNotFound) continue;
    if (!there) return std::unexpected(std::move(there).error());
    const auto wanted = ElementsOf(pods, family);
    std::erase_if(*there, [&](const nft::Element& element) {
      return std::find(wanted.begin(), wanted.end(), element) != wanted.end();
    });
    if (!there->empty()) transaction.EnsureNoElements(set, *there);
  }
  if (transaction.empty()) return {};
  ASSIGN_OR_RETURN(const FileLock lock, AcquireLock(lock_file_));
  return AbsentIsSuccess(std::move(transaction).Commit());
}

Result<> Masquerade::RemoveNetwork() {
  const nft::Chain chain = MakeChain(network_);
  ASSIGN_OR_RETURN(const FileLock lock, AcquireLock(lock_file_));
  nft::Transaction transaction(OurTable());
  transaction.FlushChain(chain.name);
  transaction.DeleteChain(chain.name);
  for (const Family& family : kFamilies) transaction.DeleteSet(MakeSet(network_, family).name);
  RETURN_IF_ERROR(AbsentIsSuccess(std::move(transaction).Commit()));

  const auto sets = nft::ReadSetNames(OurTable());
  if (!sets) {
    if (sets.error().code() == Code::kNotFound) return {};
    return std::unexpected(sets.error());
  }
  if (!sets->empty()) return {};
  nft::Transaction last(OurTable());
  last.DeleteTable();
  return AbsentIsSuccess(std::move(last).Commit());
}

Result<> Masquerade::Check(const std::vector<IpAddress>& pods) {
  for (const Family& family : kFamilies) {
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
