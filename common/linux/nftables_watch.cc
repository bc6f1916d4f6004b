#include "common/linux/nftables_watch.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <memory>

namespace trivet::nft {
namespace {

constexpr size_t kReceiveBytes = 65536;

// The table's name is attribute 1 of every message about a table, chain, rule, set, element, object
// or flowtable.
static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
              NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1 &&
              NFTA_FLOWTABLE_TABLE == 1);
constexpr uint16_t kTableAttribute = 1;

}  // namespace

Result<TableWatch> TableWatch::Open(Table table) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd.valid()) return FailErrno("open netfilter socket");
  sockaddr_nl address{};  // bound first: a socket without a port is given no events
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return FailErrno("bind netfilter socket");
  }
  const int group = NFNLGRP_NFTABLES;
  if (::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    return FailErrno("join netlink group of nftables");
  }
  return TableWatch(std::move(fd), std::move(table));
}

bool TableWatch::IsOfTable(const void* message) const {
  const auto* header = static_cast<const nlmsghdr*>(message);
  if (NFNL_MSG_TYPE(header->nlmsg_type) == NFT_MSG_NEWGEN) return false;
  const auto* family = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(header));
  if (family->nfgen_family != table_.family) return false;
  auto visit = [](const nlattr* attribute, void* data) {
    if (mnl_attr_get_type(attribute) != kTableAttribute ||
        mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0) {
      return MNL_CB_OK;
    }
    auto& [name, found] = *static_cast<std::pair<const std::string*, bool>*>(data);
    found = found || *name == mnl_attr_get_str(attribute);
    return MNL_CB_OK;
  };
  std::pair<const std::string*, bool> search{&table_.name, false};
  mnl_attr_parse(header, sizeof(nfgenmsg), visit, &search);
  return search.second;
}

Result<bool> TableWatch::TakeChanges() {
  const auto buffer = std::make_unique<char[]>(kReceiveBytes);
  bool changed = false;
  for (;;) {
    const ssize_t received = ::recv(fd_.get(), buffer.get(), kReceiveBytes, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return changed;
    if (received < 0 && errno == ENOBUFS) {
      changed = true;  // events were dropped: they may have been of the table
      continue;
    }
    if (received < 0) return FailErrno("read nftables events");
    int left = static_cast<int>(received);
    for (auto* one = reinterpret_cast<const nlmsghdr*>(buffer.get()); mnl_nlmsg_ok(one, left);
         one = mnl_nlmsg_next(one, &left)) {
      changed = changed || IsOfTable(one);
    }
  }
}

}  // namespace trivet::nft
