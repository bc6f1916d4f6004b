#include "cni/portmap/host_port_table.h"

#include <algorithm>

#include "cni/attachment_store.h"
#include "cni/portmap/host_port_maps.h"
#include "cni/portmap/localnet.h"

namespace trivet::cni {
namespace {

constexpr std::string_view kRecordSuffix = ".json";

bool IsBound(const HostPort& port) {
  return port.host_ip.has_value();
}

Result<std::optional<nft::Element>> FindIn(const nft::Set& map, const HostPort& port) {
  return nft::FindElement(HostPortsTable(), map, KeyOf(port));
}

Result<std::vector<nft::Element>> ReadMap(const nft::Set& map) {
  return nft::ReadElementsIfThere(HostPortsTable(), map);
}

const PortPolicy* PolicyOf(const HostPort& port, const std::vector<PortPolicy>& policies) {
  const auto found = std::find_if(policies.begin(), policies.end(), [&](const auto& policy) {
    return policy.subnet.address.is_v4() == port.container.is_v4();
  });
  return found == policies.end() ? nullptr : &*found;
}

bool IsAmong(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "testnet@c1@eth0" as people say it.
std::string DescribeOwner(const std::string& owner) {
  const size_t first = owner.find('@');
  const size_t second = owner.find('@', first == std::string::npos ? first : first + 1);
  if (second == std::string::npos) return fmt::format("'{}'", owner);
  return fmt::format("container {} ({} of network {})", owner.substr(first + 1, second - first - 1),
                     owner.substr(second + 1), owner.substr(0, first));
}

}  // namespace

HostPortTable::HostPortTable(const AttachmentKey& owner) : owner_(RecordName(owner)) {
  if (owner_.ends_with(kRecordSuffix)) owner_.resize(owner_.size() - kRecordSuffix.size());
}

Result<> HostPortTable::Add(const std::vector<HostPort>& ports,
                            const std::vector<PortPolicy>& policies, const std::string& localnet) {
  RETURN_IF_ERROR(RefuseOverlaps(ports));
  ASSIGN_OR_RETURN(const LocalnetChange change, PlanLocalnetChange(localnet));
  RETURN_IF_ERROR(Replace(ports, policies, change));
  // Guarded before it is open.
  return change.opens ? SetRouteLocalnet(localnet, true) : Result<>();
}

Result<> HostPortTable::Replace(const std::vector<HostPort>& ports,
                                const std::vector<PortPolicy>& policies,
                                const LocalnetChange& change) {
  auto added = Commit(ports, policies, change);
  if (added || added.error().code() != Code::kAlreadyExists) return added;
  for (const HostPort& port : ports) {
    ASSIGN_OR_RETURN(const auto holder,
                     FindIn(PortMap(FamilyOf(port.container), IsBound(port)), port));
    if (holder) RETURN_IF_ERROR(Refuse(port, holder->comment));
  }
  RETURN_IF_ERROR(Remove(ports), "replace what is there");
  return Commit(ports, policies, change);
}

// The ports last: a rule or a chain of another shape than ours, which the kernel may refuse with
// "exists" too, is not taken for a port.
Result<> HostPortTable::Commit(const std::vector<HostPort>& ports,
                               const std::vector<PortPolicy>& policies,
                               const LocalnetChange& change) {
  nft::Frame frame = HostPortFrame();
  for (const PortPolicy& policy : policies) AddPolicy(frame, policy);
  std::vector<std::pair<nft::Set, nft::Element>> elements;
  for (const HostPort& port : ports) {
    const PortPolicy* const policy = PolicyOf(port, policies);
    if (policy == nullptr) {
      return Fail(Code::kInternal, "host port {}: no policy of its family", Describe(port));
    }
    const PacketFamily& family = FamilyOf(port.container);
    elements.emplace_back(PortMap(family, IsBound(port)), PortElement(port, owner_));
    elements.emplace_back(PolicyMap(family, IsBound(port)),
                          PolicyElement(port, PolicyChainName(*policy), owner_));
  }
  return nft::CommitWithin(frame, [&](nft::Transaction& transaction) {
    transaction.EnsureNoElements(LocalnetSet(), change.gone);
    transaction.AddElements(LocalnetSet(), change.wanted, nft::Existing::kIsKept);
    for (const auto& [map, element] : elements) transaction.AddElements(map, {&element, 1});
  });
}

Result<> HostPortTable::Refuse(const HostPort& port, const std::string& holder) const {
  if (holder == owner_) return {};
  return Fail(Code::kAlreadyExists, "host port {} is taken by {}", Describe(port),
              DescribeOwner(holder));
}

// A port of every address and the same one of a single address are different elements.
Result<> HostPortTable::RefuseOverlaps(const std::vector<HostPort>& ports) {
  for (const HostPort& port : ports) {
    const PacketFamily& family = FamilyOf(port.container);
    if (IsBound(port)) {
      HostPort everywhere = port;
      everywhere.host_ip.reset();
      ASSIGN_OR_RETURN(const auto holder, FindIn(PortMap(family, false), everywhere));
      if (holder) RETURN_IF_ERROR(Refuse(everywhere, holder->comment));
      continue;
    }
    ASSIGN_OR_RETURN(const auto bound, ReadMap(PortMap(family, true)));
    for (const nft::Element& element : bound) {
      if (!element.key.ends_with(KeyOf(port))) continue;
      ASSIGN_OR_RETURN(const HostPort there, ParsePortElement(family, true, element));
      RETURN_IF_ERROR(Refuse(there, element.comment));
    }
  }
  return {};
}

Result<> HostPortTable::Remove(const std::vector<HostPort>& ports) {
  nft::Transaction transaction(HostPortsTable());
  for (const HostPort& port : ports) {
    const PacketFamily& family = FamilyOf(port.container);
    for (const nft::Set& map : {PortMap(family, IsBound(port)), PolicyMap(family, IsBound(port))}) {
      ASSIGN_OR_RETURN(const auto found, FindIn(map, port));
      if (found && found->comment == owner_) transaction.DeleteElements(map, {&*found, 1});
    }
  }
  return std::move(transaction).Commit();
}

Result<> HostPortTable::Check(const std::vector<HostPort>& ports) {
  for (const HostPort& port : ports) {
    const PacketFamily& family = FamilyOf(port.container);
    ASSIGN_OR_RETURN(const auto target, FindIn(PortMap(family, IsBound(port)), port));
    ASSIGN_OR_RETURN(const auto policy, FindIn(PolicyMap(family, IsBound(port)), port));
    if (target && policy && *target == PortElement(port, owner_) && policy->comment == owner_) {
      continue;
    }
    return Fail(Code::kFailedPrecondition, "host port {} does not lead to {} port {}",
                Describe(port), port.container.ToString(), port.container_port);
  }
  ASSIGN_OR_RETURN(auto counts, nft::ReadRuleCounts(HostPortsTable()));
  for (const auto& [chain, rules] : HostPortFrame().chains) {
    if (counts[chain.name] == rules.size()) continue;
    return Fail(Code::kFailedPrecondition, "chain {} of table {} has {} rules, not {}", chain.name,
                HostPortsTable().name, counts[chain.name], rules.size());
  }
  return {};
}

Result<std::vector<HostPortTable::Owned>> HostPortTable::List() {
  std::vector<Owned> owned;
  for (const PacketFamily& family : PacketFamilies()) {
    for (const bool bound : {false, true}) {
      ASSIGN_OR_RETURN(const auto elements, ReadMap(PortMap(family, bound)));
      for (const nft::Element& element : elements) {
        ASSIGN_OR_RETURN(HostPort port, ParsePortElement(family, bound, element));
        owned.push_back({.port = std::move(port), .owner = element.comment});
      }
    }
  }
  return owned;
}

// The comment stays from the first time: what was off before is off again in the end.
Result<HostPortTable::LocalnetChange> HostPortTable::PlanLocalnetChange(
    const std::string& interface) {
  LocalnetChange change;
  if (interface.empty()) return change;
  ASSIGN_OR_RETURN(const bool open, HasRouteLocalnet(interface));
  nft::Element element = LocalnetElement(interface);
  if (!open) {
    change.opens = true;
    element.comment = kOpened;
    ASSIGN_OR_RETURN(const auto found,
                     nft::FindElement(HostPortsTable(), LocalnetSet(), element.key));
    if (found && found->comment != kOpened) change.gone.push_back(*found);
  }
  change.wanted.push_back(std::move(element));
  return change;
}

Result<> HostPortTable::CloseLocalnet(const std::string& interface) {
  nft::Element element = LocalnetElement(interface);
  ASSIGN_OR_RETURN(const auto found,
                   nft::FindElement(HostPortsTable(), LocalnetSet(), element.key));
  if (!found) return {};
  if (found->comment == kOpened) RETURN_IF_ERROR(SetRouteLocalnet(interface, false));
  nft::Transaction transaction(HostPortsTable());
  transaction.DeleteElements(LocalnetSet(), {&*found, 1});
  return std::move(transaction).Commit();
}

Result<> HostPortTable::CloseLocalnetBut(const std::vector<std::string>& interfaces) {
  ASSIGN_OR_RETURN(const auto there, ReadMap(LocalnetSet()));
  for (const nft::Element& element : there) {
    const std::string interface(element.key.c_str());
    if (!IsAmong(interfaces, interface)) RETURN_IF_ERROR(CloseLocalnet(interface));
  }
  return {};
}

Result<> HostPortTable::Retain(const std::vector<std::string>& chains,
                               const std::vector<std::string>& interfaces) {
  RETURN_IF_ERROR(CloseLocalnetBut(interfaces));
  ASSIGN_OR_RETURN(const auto counts, nft::ReadRuleCounts(HostPortsTable()));
  nft::Transaction transaction(HostPortsTable());
  for (const auto& [chain, rules] : counts) {
    if (!IsPolicyChain(chain) || IsAmong(chains, chain)) continue;
    transaction.FlushChain(chain);
    transaction.DeleteChain(chain);
  }
  return std::move(transaction).Commit();
}

Result<> HostPortTable::RemoveIfEmpty() {
  ASSIGN_OR_RETURN(const auto owned, List());
  if (!owned.empty()) return {};
  RETURN_IF_ERROR(CloseLocalnetBut({}));
  nft::Transaction transaction(HostPortsTable());
  FlushHostPortChains(transaction);
  // Who has another lock than ours may have come between: then it is not empty.
  for (const nft::Set& map : AllMaps()) transaction.DeleteEmptySet(map.name);
  transaction.DeleteTable();
  return std::move(transaction).CommitIfThere();
}

}  // namespace trivet::cni
