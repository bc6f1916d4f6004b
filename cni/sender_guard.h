#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cni/attachment.h"
#include "cni/paths.h"
#include "cni/sender_rules.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// What a pod with a policy may send, as policies judge packets by the addresses that they have: it
/// comes from the pod's own addresses ("sourceCheck"), and on a bridge has no VLAN tag, which
/// policies do not see. Judged where it comes in, before anything is translated: table
/// `bridge trivet_senders` for ports of bridges, `inet trivet_senders` for host ends of type ptp.
/// The same rules for every number of pods:
///
///   set untagged   { type ifname }               # ports that let no tag in
///   set bound      { type ifname }               # ports whose senders are checked
///   set senders_v4 { type ifname . ipv4_addr }   # and what those may be
///   set senders_v6 { type ifname . ipv6_addr }   # the link-local address as well
///   chain senders {
///     type filter hook prerouting priority -300
///     ether type { 8021q, 8021ad } iifname @untagged drop
///     iifname != @bound accept
///     arp saddr ip != 0.0.0.0 iifname . arp saddr ip != @senders_v4 drop
///     icmpv6 type nd-neighbor-advert iifname . icmpv6 taddr != @senders_v6 drop
///     iifname . ip saddr != @senders_v4 drop
///     ip6 saddr :: ip6 daddr ff02::/16 meta l4proto icmpv6 accept
///     iifname . ip6 saddr != @senders_v6 drop
///   }
///
/// Every change is one transaction. A table is there while it has ports.
class SenderGuard {
 public:
  /// Of an attachment whose network has a policy.
  SenderGuard(const Paths& paths, const Attachment& attachment);

  /// Repeatable.
  Result<> Add();
  /// Absent is success.
  Result<> Remove();
  /// Errors: kFailedPrecondition.
  Result<> Check();

  /// Forgets the ports whose link is gone.
  static Result<> RemoveGone(const Paths& paths, netlink::RouteSocket& socket);

 private:
  /// An element and the set that it is in.
  struct Member {
    nft::Set set;
    nft::Element element;
  };

  const sender_rules::Side side_;
  const std::string port_;
  const std::filesystem::path lock_file_;
  std::vector<Member> members_;
};

}  // namespace trivet::cni
