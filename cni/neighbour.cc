#include "cni/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

namespace trivet::cni {
namespace {

ndmsg Header(const Link& link, const Neighbour& neighbour) {
  ndmsg header{};
  header.ndm_family = neighbour.address.family();
  header.ndm_ifindex = static_cast<int>(link.index);
  header.ndm_state = NUD_PERMANENT;
  return header;
}

// One is asked for, not all of the link's: a bridge has thousands.
Result<> CheckNeighbour(netlink::RouteSocket& socket, const Link& link,
                        const Neighbour& neighbour) {
  ndmsg header = Header(link, neighbour);
  header.ndm_state = 0;
  netlink::Request request(RTM_GETNEIGH, 0);
  request.Struct(header).Bytes(NDA_DST, neighbour.address.bytes());
  const std::string what =
      fmt::format("read neighbour {} of link {}", neighbour.address.ToString(), link.name);
  const auto found = socket.Query(request, what);
  if (!found && found.error().code() != Code::kNotFound) return std::unexpected(found.error());
  if (found && found->Header<ndmsg>().ndm_state == NUD_PERMANENT) {
    const auto mac = found->AttributesAfter<ndmsg>().Find(NDA_LLADDR);
    if (mac && MacText(mac->bytes()) == neighbour.mac) return {};
  }
  return Fail(Code::kFailedPrecondition, "link {} lacks permanent neighbour {} at {}", link.name,
              neighbour.address.ToString(), neighbour.mac);
}

}  // namespace

Result<> AddNeighbour(netlink::RouteSocket& socket, const Link& link, const Neighbour& neighbour) {
  netlink::Request request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  request.Struct(Header(link, neighbour))
      .Bytes(NDA_DST, neighbour.address.bytes())
      .Bytes(NDA_LLADDR, MacBytes(neighbour.mac));
  return socket.Execute(
      request, fmt::format("add neighbour {} of link {}", neighbour.address.ToString(), link.name));
}

Result<> CheckNeighbours(netlink::RouteSocket& socket, const Link& link,
                         const std::vector<Neighbour>& wanted) {
  for (const Neighbour& neighbour : wanted) {
    RETURN_IF_ERROR(CheckNeighbour(socket, link, neighbour));
  }
  return {};
}

}  // namespace trivet::cni
