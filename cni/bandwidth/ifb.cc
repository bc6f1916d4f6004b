#include "cni/bandwidth/ifb.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <nettle/sha2.h>

#include <array>

#include "cni/veth.h"

namespace trivet::cni {
namespace {

constexpr std::string_view kIfbKind = "ifb";

}  // namespace

// Source: MustFormatHashWithPrefix in the reference's pkg/utils.
std::string IfbName(const AttachmentKey& key) {
  std::array<uint8_t, SHA512_DIGEST_SIZE> digest{};
  sha512_ctx context{};
  const std::string text = key.network + key.container_id;
  sha512_init(&context);
  sha512_update(&context, text.size(), reinterpret_cast<const uint8_t*>(text.data()));
  sha512_digest(&context, digest.size(), digest.data());
  std::string name = "bwp";
  for (const uint8_t byte : digest) name += fmt::format("{:02x}", byte);
  return name.substr(0, IFNAMSIZ - 1);
}

Result<Link> CreateIfb(netlink::RouteSocket& socket, const AttachmentKey& key, uint32_t mtu_bytes) {
  const std::string name = IfbName(key);
  ASSIGN_OR_RETURN(const auto older, FindLink(socket, name));
  if (older && older->kind == kIfbKind && older->alias == AliasOf(key)) {
    RETURN_IF_ERROR(DeleteLink(socket, name));
  }
  netlink::Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, name).String(IFLA_IFALIAS, AliasOf(key));
  request.U32(IFLA_MTU, mtu_bytes);
  request.Nest(IFLA_LINKINFO, [](auto& info) { info.String(IFLA_INFO_KIND, kIfbKind); });
  RETURN_IF_ERROR(socket.Execute(request, fmt::format("create ifb {}", name)));
  ASSIGN_OR_RETURN(const Link ifb, ReadLink(socket, name));
  RETURN_IF_ERROR(BringHostEndUp(socket, ifb, AliasOf(key)));
  return ifb;
}

Result<> DeleteIfb(netlink::RouteSocket& socket, const std::string& name) {
  ASSIGN_OR_RETURN(const auto link, FindLink(socket, name));
  if (!link || link->kind != kIfbKind) return {};
  return DeleteLink(socket, name);
}

}  // namespace trivet::cni
