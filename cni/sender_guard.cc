#include "cni/sender_guard.h"

#include <algorithm>
#include <array>
#include <set>

#include "cni/link.h"
#include "common/linux/file_lock.h"

namespace trivet::cni {
namespace {

using sender_rules::Side;

std::vector<nft::Set> GuardSets() {
  return {sender_rules::BoundSet(), sender_rules::UntaggedSet(), sender_rules::SenderSet(true),
          sender_rules::SenderSet(false)};
}

Result<> DeleteGuardIfUnused(Side side) {
  return nft::DeleteTableIfEmpty(sender_rules::TableOf(side),
                                 {sender_rules::BoundSet(), sender_rules::UntaggedSet()});
}

Result<std::set<std::string>> LinkNames(netlink::RouteSocket& socket) {
  ASSIGN_OR_RETURN(const std::vector<Link> links, ListLinks(socket));
  std::set<std::string> names;
  for (const Link& link : links) names.insert(link.name);
  return names;
}

// A link is made before its port is added, so one that the sets have and the node has not is gone.
Result<> RemoveGoneOf(Side side, netlink::RouteSocket& socket) {
  const nft::Table table = sender_rules::TableOf(side);
  std::vector<std::pair<nft::Set, std::vector<nft::Element>>> there;
  for (const nft::Set& set : GuardSets()) {
    ASSIGN_OR_RETURN(auto elements, nft::ReadElementsIfThere(table, set));
    if (!elements.empty()) there.emplace_back(set, std::move(elements));
  }
  if (there.empty()) return {};
  ASSIGN_OR_RETURN(const std::set<std::string> links, LinkNames(socket));
  nft::Transaction transaction(table);
  for (auto& [set, elements] : there) {
    std::erase_if(elements, [&](const nft::Element& element) {
      return links.contains(sender_rules::PortOf(element));
    });
    if (!elements.empty()) transaction.EnsureNoElements(set, elements);
  }
  if (transaction.empty()) return {};
  RETURN_IF_ERROR(std::move(transaction).CommitIfThere());
  return DeleteGuardIfUnused(side);
}

}  // namespace

SenderGuard::SenderGuard(const Paths& paths, const Attachment& attachment)
    : side_(attachment.bridge.empty() ? Side::kRouter : Side::kBridge),
      port_(attachment.host_interface),
      lock_file_(paths.locks() / "senders") {
  using sender_rules::SenderElement;
  using sender_rules::SenderSet;
  const nft::Element port = sender_rules::PortElement(port_);
  if (side_ == Side::kBridge) members_.push_back({sender_rules::UntaggedSet(), port});
  const bool bound = attachment.policy && attachment.source_check;
  if (!bound || attachment.addresses.empty()) return;
  members_.push_back({sender_rules::BoundSet(), port});
  for (const IpAddress& address : attachment.addresses) {
    members_.push_back({SenderSet(address.is_v4()), SenderElement(port_, address)});
  }
  if (attachment.mac.empty()) return;
  const IpAddress link_local = sender_rules::LinkLocalOf(attachment.mac);
  members_.push_back({SenderSet(false), SenderElement(port_, link_local)});
}

Result<> SenderGuard::Add() {
  if (members_.empty()) return {};
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  return nft::CommitWithin(sender_rules::FrameOf(side_), [&](nft::Transaction& transaction) {
    for (const Member& member : members_) {
      transaction.AddElements(member.set, {&member.element, 1}, nft::Existing::kIsKept);
    }
  });
}

Result<> SenderGuard::Remove() {
  if (members_.empty()) return {};
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(lock_file_));
  nft::Transaction transaction(sender_rules::TableOf(side_));
  for (const Member& member : members_) {
    transaction.EnsureNoElements(member.set, {&member.element, 1});
  }
  RETURN_IF_ERROR(std::move(transaction).CommitIfThere());
  return DeleteGuardIfUnused(side_);
}

Result<> SenderGuard::Check() {
  for (const Member& member : members_) {
    ASSIGN_OR_RETURN(const auto found, nft::FindElement(sender_rules::TableOf(side_), member.set,
                                                        member.element.key));
    if (found) continue;
    return Fail(Code::kFailedPrecondition, "set {} of table trivet_senders lacks port {}{}",
                member.set.name, port_, member.set.key.size() > 1 ? " with an address of it" : "");
  }
  return {};
}

Result<> SenderGuard::RemoveGone(const Paths& paths, netlink::RouteSocket& socket) {
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::AcquireMakingFolder(paths.locks() / "senders"));
  for (const Side side : {Side::kBridge, Side::kRouter}) {
    RETURN_IF_ERROR(RemoveGoneOf(side, socket));
  }
  return {};
}

}  // namespace trivet::cni
