#include "tests/testing/unused_links.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <filesystem>

#include "common/base/unique_fd.h"
#include "common/linux/netlink.h"

namespace trivet::testing {
namespace {

// Ids of the namespaces in this one; the kernel gives one to a namespace when it has told of a link
// into it.
std::set<uint32_t> IdsOfNetworksOf(pid_t process, netlink::RouteSocket& socket) {
  std::set<uint32_t> ids;
  std::error_code gone;
  const std::filesystem::path folder = fmt::format("/proc/{}/fd", process);
  for (const auto& entry : std::filesystem::directory_iterator(folder, gone)) {
    if (!std::filesystem::read_symlink(entry.path(), gone).native().starts_with("net:")) continue;
    const UniqueFd netns(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!netns.valid()) continue;
    netlink::Request request(RTM_GETNSID, 0);
    request.Struct(rtgenmsg{}).U32(NETNSA_FD, static_cast<uint32_t>(netns.get()));
    const auto answer = socket.Query(request, "read namespace id");
    if (answer)
      ids.insert(answer->AttributesAfter<rtgenmsg>().U32(NETNSA_NSID).value_or(UINT32_MAX));
  }
  return ids;
}

}  // namespace

std::set<std::string> FindUnusedLinksIntoNetworksOf(pid_t process) {
  std::set<std::string> names;
  auto socket = netlink::RouteSocket::Open();
  if (!socket) return names;
  netlink::Request request(RTM_GETLINK, 0);
  const auto links = socket->Dump(request.Struct(ifinfomsg{}), "list links");
  if (!links) return names;
  const std::set<uint32_t> networks = IdsOfNetworksOf(process, *socket);
  for (const netlink::Message& link : *links) {
    const auto attributes = link.AttributesAfter<ifinfomsg>();
    const auto network = attributes.U32(IFLA_LINK_NETNSID);
    const bool down = (link.Header<ifinfomsg>().ifi_flags & IFF_UP) == 0;
    if (down && network && networks.contains(*network))
      names.insert(attributes.String(IFLA_IFNAME));
  }
  return names;
}

}  // namespace trivet::testing
