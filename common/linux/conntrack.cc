#include "common/linux/conntrack.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "common/linux/nftables_socket.h"

namespace trivet::conntrack {
namespace {

// Of CTA_FILTER_ORIG_FLAGS and _REPLY_FLAGS. Source: net/netfilter/nf_internals.h, which the kernel
// does not export.
constexpr uint32_t kFilterSource = 1U << 0;
constexpr uint32_t kFilterProtocol = 1U << 3;
constexpr uint32_t kFilterDestinationPort = 1U << 5;
constexpr int kAttempts = 16;

/// A connection and what names it to the kernel.
struct Entry {
  Connection connection;
  std::string tuple;  // CTA_TUPLE_ORIG's payload
  uint32_t id = 0;
};

using Buffer = std::array<char, 1024>;

nlmsghdr* PutHeader(Buffer& buffer, uint16_t type, uint16_t flags, uint8_t family) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
  message->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  header->nfgen_family = family;
  header->version = NFNETLINK_V0;
  return message;
}

// The kernel sends only what matches; one before 5.8 sends everything, so the reader looks again.
nlmsghdr* BuildDump(Buffer& buffer, const Selection& selection) {
  nlmsghdr* message = PutHeader(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, selection.family);
  if (selection.destination) {
    nlattr* tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
    nlattr* protocol = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(message, CTA_PROTO_NUM, selection.destination->protocol);
    mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(selection.destination->port));
    mnl_attr_nest_end(message, protocol);
    mnl_attr_nest_end(message, tuple);
  }
  if (!selection.target.empty()) {
    nlattr* tuple = mnl_attr_nest_start(message, CTA_TUPLE_REPLY);
    nlattr* addresses = mnl_attr_nest_start(message, CTA_TUPLE_IP);
    mnl_attr_put(message, selection.family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC,
                 selection.target.size(), selection.target.data());
    mnl_attr_nest_end(message, addresses);
    mnl_attr_nest_end(message, tuple);
  }
  nlattr* filter = mnl_attr_nest_start(message, CTA_FILTER);
  mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS,
                   selection.destination ? kFilterProtocol | kFilterDestinationPort : 0);
  mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, selection.target.empty() ? 0 : kFilterSource);
  mnl_attr_nest_end(message, filter);
  return message;
}

bool IsSelected(const Connection& connection, const Selection& selection) {
  const auto& to = selection.destination;
  if (to && (connection.protocol != to->protocol || connection.destination_port != to->port)) {
    return false;
  }
  return selection.target.empty() || connection.target == selection.target;
}

// By type; null where absent.
using Attributes = std::array<const nlattr*, 32>;

int KeepAttribute(const nlattr* attribute, void* out) {
  const uint16_t type = mnl_attr_get_type(attribute);
  auto& attributes = *static_cast<Attributes*>(out);
  if (type < attributes.size()) attributes[type] = attribute;
  return MNL_CB_OK;
}

Attributes Nested(const nlattr* nest) {
  Attributes attributes{};
  if (nest != nullptr) mnl_attr_parse_nested(nest, KeepAttribute, &attributes);
  return attributes;
}

std::string PayloadOf(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  return {static_cast<const char*>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

uint16_t PortOf(const nlattr* attribute) {
  return attribute == nullptr ? uint16_t{0} : ntohs(mnl_attr_get_u16(attribute));
}

Entry ReadEntry(const nlmsghdr* message, uint8_t family) {
  const bool v4 = family == AF_INET;
  Attributes all{};
  mnl_attr_parse(message, sizeof(nfgenmsg), KeepAttribute, &all);
  const Attributes original = Nested(all[CTA_TUPLE_ORIG]);
  const Attributes reply = Nested(all[CTA_TUPLE_REPLY]);
  const Attributes addresses = Nested(original[CTA_TUPLE_IP]);
  const Attributes ports = Nested(original[CTA_TUPLE_PROTO]);
  Entry entry;
  if (ports[CTA_PROTO_NUM] != nullptr) {
    entry.connection.protocol = mnl_attr_get_u8(ports[CTA_PROTO_NUM]);
  }
  entry.connection.source = PayloadOf(addresses[v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC]);
  entry.connection.destination = PayloadOf(addresses[v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST]);
  entry.connection.destination_port = PortOf(ports[CTA_PROTO_DST_PORT]);
  entry.connection.target =
      PayloadOf(Nested(reply[CTA_TUPLE_IP])[v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC]);
  entry.connection.target_port = PortOf(Nested(reply[CTA_TUPLE_PROTO])[CTA_PROTO_SRC_PORT]);
  entry.tuple = PayloadOf(all[CTA_TUPLE_ORIG]);
  if (all[CTA_ID] != nullptr) entry.id = mnl_attr_get_u32(all[CTA_ID]);
  return entry;
}

// Looking through the kernel's whole table takes it milliseconds, whether it has any or not.
Result<bool> HasAny() {
  constexpr std::string_view kWhat = "count connections";
  ASSIGN_OR_RETURN(auto socket, nft::NetfilterSocket::Open(), kWhat);
  Buffer buffer{};
  nlmsghdr* request = PutHeader(buffer, IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK, AF_UNSPEC);
  bool any = true;
  auto read = [&](const nlmsghdr* message) {
    Attributes all{};
    mnl_attr_parse(message, sizeof(nfgenmsg), KeepAttribute, &all);
    const nlattr* entries = all[CTA_STATS_GLOBAL_ENTRIES];
    if (entries != nullptr) any = mnl_attr_get_u32(entries) != 0;
  };
  RETURN_IF_ERROR(socket.Ask(request, read, kWhat));
  return any;
}

Result<std::vector<Entry>> List(const Selection& selection, std::string_view what) {
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(auto socket, nft::NetfilterSocket::Open(), what);
    Buffer buffer{};
    std::vector<Entry> entries;
    auto collect = [&](const nlmsghdr* message) {
      Entry entry = ReadEntry(message, selection.family);
      if (IsSelected(entry.connection, selection)) entries.push_back(std::move(entry));
    };
    auto listed = socket.Ask(BuildDump(buffer, selection), collect, what);
    if (listed) return entries;
    if (listed.error().code() != Code::kAborted || attempt == kAttempts) {
      return std::unexpected(std::move(listed).error());
    }
  }
}

// By tuple and id: not one that has taken its place meanwhile. Gone is success.
Result<> Delete(nft::NetfilterSocket& socket, uint8_t family, const Entry& entry,
                std::string_view what) {
  Buffer buffer{};
  nlmsghdr* message = PutHeader(buffer, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family);
  mnl_attr_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED, entry.tuple.size(), entry.tuple.data());
  mnl_attr_put_u32(message, CTA_ID, entry.id);
  auto deleted = socket.Ask(message, [](const nlmsghdr*) {}, what);
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

}  // namespace trivet::conntrack
