#pragma once

#include "cni/attachment.h"
#include "cni/attachment_store.h"
#include "cni/paths.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Undoes what attachments of one network made outside of their containers, each step repeatable:
/// masquerade, links, policy. Their addresses are in use until this
/// has succeeded. It stops at the first failure.
Result<> ReleaseKernelObjects(netlink::RouteSocket& socket, const Paths& paths,
                              const std::vector<Attachment>& attachments);

/// The end of every release, when the address is free again: takes what the network's attachments
/// share if this is the last one, then the record. The caller holds the attachment's lock.
Result<> ReleaseRecord(netlink::RouteSocket& socket, const Paths& paths,
                       const Attachment& attachment);

/// Forgets attachments of earlier boots once per boot: their kernel objects are gone with it, their
/// addresses in host-local's folder are not. Other IPAM plugins' wait for DEL.
Result<> ReleaseEarlierBoots(const Paths& paths, const std::string& boot_id);

}  // namespace trivet::cni
