#include "common/linux/conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <vector>

#include "common/linux/nftables_message.h"
#include "common/linux/nftables_socket.h"

namespace trivet::conntrack {
namespace {

using netlink::Attributes;
using netlink::Request;

// Of CTA_FILTER_ORIG_FLAGS and _REPLY_FLAGS. Source: net/netfilter/nf_internals.h, which the kernel
// does not export.
constexpr uint32_t kFilterSource = 1U << 0;
constexpr uint32_t kFilterProtocol = 1U << 3;
constexpr uint32_t kFilterSourcePort = 1U << 4;
constexpr uint32_t kFilterDestinationPort = 1U << 5;
constexpr int kAttempts = 16;

/// A connection and what names it to the kernel.
struct Entry {
  Connection connection;
  std::string tuple;  // CTA_TUPLE_ORIG's payload
  uint32_t id = 0;
};

Request NewRequest(uint16_t type, uint16_t flags, uint8_t family) {
  return nft::NetfilterMessage(NFNL_SUBSYS_CTNETLINK, type, flags, family);
}

// The kernel sends only what matches; one before 5.8 sends everything, so the reader looks again.
Request BuildDump(const Selection& selection) {
  Request message = NewRequest(IPCTNL_MSG_CT_GET, NLM_F_DUMP, selection.family);
  if (selection.destination) {
    message.Nest(CTA_TUPLE_ORIG, [&](Request& tuple) {
      tuple.Nest(CTA_TUPLE_PROTO, [&](Request& protocol) {
        protocol.U8(CTA_PROTO_NUM, selection.destination->protocol);
        protocol.Big16(CTA_PROTO_DST_PORT, selection.destination->port);
      });
    });
  }
  if (!selection.target.empty()) {
    message.Nest(CTA_TUPLE_REPLY, [&](Request& tuple) {
      tuple.Nest(CTA_TUPLE_IP, [&](Request& addresses) {
        addresses.Bytes(selection.family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC,
                        nft::AsSpan(selection.target));
      });
    });
  }
  message.Nest(CTA_FILTER, [&](Request& filter) {
    filter.U32(CTA_FILTER_ORIG_FLAGS,
               selection.destination ? kFilterProtocol | kFilterDestinationPort : 0);
    filter.U32(CTA_FILTER_REPLY_FLAGS, selection.target.empty() ? 0 : kFilterSource);
  });
  return message;
}

// A kernel that deletes by no filter takes a tuple for a whole one, and refuses half of one.
Request BuildDeletion(const Translation& to) {
  Request message = NewRequest(IPCTNL_MSG_CT_DELETE, NLM_F_ACK, to.family);
  message.Nest(CTA_TUPLE_ORIG, [&](Request& tuple) {
    tuple.Nest(CTA_TUPLE_PROTO, [&](Request& protocol) {
      protocol.U8(CTA_PROTO_NUM, to.protocol);
      protocol.Big16(CTA_PROTO_DST_PORT, to.port);
    });
  });
  message.Nest(CTA_TUPLE_REPLY, [&](Request& tuple) {
    tuple.Nest(CTA_TUPLE_IP, [&](Request& addresses) {
      addresses.Bytes(to.family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, nft::AsSpan(to.target));
    });
    tuple.Nest(CTA_TUPLE_PROTO, [&](Request& protocol) {
      protocol.U8(CTA_PROTO_NUM, to.protocol);
      protocol.Big16(CTA_PROTO_SRC_PORT, to.target_port);
    });
  });
  message.Nest(CTA_FILTER, [](Request& filter) {
    filter.U32(CTA_FILTER_ORIG_FLAGS, kFilterProtocol | kFilterDestinationPort);
    filter.U32(CTA_FILTER_REPLY_FLAGS, kFilterSource | kFilterProtocol | kFilterSourcePort);
  });
  return message;
}

bool IsSelected(const Connection& connection, const Selection& selection) {
  const auto& to = selection.destination;
  if (to && (connection.protocol != to->protocol || connection.destination_port != to->port)) {
    return false;
  }
  return selection.target.empty() || connection.target == selection.target;
}

uint16_t PortOf(const Attributes& ports, uint16_t attribute) {
  const auto port = ports.Find(attribute);
  return port ? port->Big16().value_or(0) : uint16_t{0};
}

Entry ReadEntry(const Attributes& message, uint8_t family) {
  const uint16_t source = family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC;
  const uint16_t destination = family == AF_INET ? CTA_IP_V4_DST : CTA_IP_V6_DST;
  const Attributes original = message.Nest(CTA_TUPLE_ORIG);
  const Attributes reply = message.Nest(CTA_TUPLE_REPLY);
  const Attributes addresses = original.Nest(CTA_TUPLE_IP);
  const Attributes ports = original.Nest(CTA_TUPLE_PROTO);
  Entry entry;
  const auto protocol = ports.Find(CTA_PROTO_NUM);
  entry.connection.protocol = protocol ? protocol->U8().value_or(0) : uint8_t{0};
  entry.connection.source = nft::AsBytes(addresses, source);
  entry.connection.destination = nft::AsBytes(addresses, destination);
  entry.connection.destination_port = PortOf(ports, CTA_PROTO_DST_PORT);
  entry.connection.target = nft::AsBytes(reply.Nest(CTA_TUPLE_IP), source);
  entry.connection.target_port = PortOf(reply.Nest(CTA_TUPLE_PROTO), CTA_PROTO_SRC_PORT);
  entry.tuple = nft::AsBytes(message, CTA_TUPLE_ORIG);
  entry.id = message.U32(CTA_ID).value_or(0);
  return entry;
}

// Looking through the kernel's whole table takes it milliseconds, whether it has any or not.
Result<bool> HasAny() {
  constexpr std::string_view kWhat = "count connections";
  ASSIGN_OR_RETURN(auto socket, nft::NetfilterSocket::Open(), kWhat);
  const Request request = NewRequest(IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK, AF_UNSPEC);
  bool any = true;
  auto read = [&](const Attributes& all) {
    any = all.U32(CTA_STATS_GLOBAL_ENTRIES).value_or(1) != 0;
  };
  RETURN_IF_ERROR(socket.Ask(request, read, kWhat));
  return any;
}

Result<std::vector<Entry>> List(const Selection& selection, std::string_view what) {
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(auto socket, nft::NetfilterSocket::Open(), what);
    std::vector<Entry> entries;
    auto collect = [&](const Attributes& message) {
      Entry entry = ReadEntry(message, selection.family);
      if (IsSelected(entry.connection, selection)) entries.push_back(std::move(entry));
    };
    auto listed = socket.Ask(BuildDump(selection), collect, what);
    if (listed) return entries;
    if (listed.error().code() != Code::kAborted || attempt == kAttempts) {
      return std::unexpected(std::move(listed).error());
    }
  }
}

// By tuple and id: not one that has taken its place meanwhile. Gone is success.
Result<> Delete(nft::NetfilterSocket& socket, uint8_t family, const Entry& entry,
                std::string_view what) {
  Request message = NewRequest(IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family);
  message.Bytes(CTA_TUPLE_ORIG | NLA_F_NESTED, nft::AsSpan(entry.tuple));
  message.U32(CTA_ID, entry.id);
  auto deleted = socket.Ask(message, [](const Attributes&) {}, what);
  if (!deleted && deleted.error().code() == Code::kNotFound) return {};
  return deleted;
}

}  // namespace

Result<> Forget(const Selection& selection,
                const std::function<bool(const Connection&)>& is_stale) {
  constexpr std::string_view kWhat = "forget connections";
  ASSIGN_OR_RETURN(const bool any, HasAny());
  if (!any) return {};
  ASSIGN_OR_RETURN(const std::vector<Entry> entries, List(selection, kWhat));
  if (entries.empty()) return {};
  ASSIGN_OR_RETURN(auto socket, nft::NetfilterSocket::Open(), kWhat);
  for (const Entry& entry : entries) {
    if (is_stale(entry.connection)) RETURN_IF_ERROR(Delete(socket, selection.family, entry, kWhat));
  }
  return {};
}

Result<> ForgetAll(const Translation& translation) {
  constexpr std::string_view kWhat = "forget connections to a port";
  ASSIGN_OR_RETURN(auto socket, nft::NetfilterSocket::Open(), kWhat);
  auto done = socket.Ask(BuildDeletion(translation), [](const Attributes&) {}, kWhat);
  if (!done && (done.error().sys_errno() == EINVAL || done.error().sys_errno() == EOPNOTSUPP)) {
    return Fail(Code::kUnimplemented, "{}: not by this kernel", kWhat);
  }
  return done;
}

}  // namespace trivet::conntrack
