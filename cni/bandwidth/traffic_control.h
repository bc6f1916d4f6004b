#pragma once

#include <optional>
#include <string>

#include "cni/bandwidth/bandwidth_conf.h"
#include "cni/bandwidth/token_bucket.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

/// Traffic control by rtnetlink: queueing disciplines and filters, as `tc` makes them.
/// Source: man 8 tc; linux/pkt_sched.h, linux/pkt_cls.h.
namespace trivet::cni {

/// The end of a packet that is not the container.
enum class PeerEnd { kSource, kDestination };

/// Errors: kAlreadyExists when the link has a root or an ingress qdisc that somebody put there.
Result<> CheckUnshaped(netlink::RouteSocket& socket, const Link& link);

/// Limits what leaves by `link`: a tbf as the root qdisc, or, where not all peers are meant, an htb
/// whose one class has the limit and whose direct queue has none. What it is called is 1:0.
/// Errors: kAlreadyExists when the link has a root qdisc already.
Result<> AddShaper(netlink::RouteSocket& socket, const Link& link, const BandwidthLimit& limit,
                   const ShapedPeers& peers, PeerEnd peer);

/// Sends what comes in by `from`, of the peers that are meant, out by `to` first.
/// Errors: kAlreadyExists when `from` has an ingress qdisc already.
Result<> AddRedirect(netlink::RouteSocket& socket, const Link& from, const Link& to,
                     const ShapedPeers& peers, PeerEnd peer);

/// Removes what AddShaper and AddRedirect made of the link, and nothing else. Absent is success.
Result<> DeleteShaper(netlink::RouteSocket& socket, const Link& link);
Result<> DeleteRedirect(netlink::RouteSocket& socket, const Link& link);

/// Errors: kFailedPrecondition when the link has no shaper or one with other numbers.
Result<> CheckShaper(netlink::RouteSocket& socket, const Link& link, const BandwidthLimit& limit,
                     const ShapedPeers& peers);
/// Errors: kFailedPrecondition when no filter of `from` redirects to `to`.
Result<> CheckRedirect(netlink::RouteSocket& socket, const Link& from, const Link& to);

}  // namespace trivet::cni
