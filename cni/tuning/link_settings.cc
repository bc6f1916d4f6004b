#include "cni/tuning/link_settings.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

namespace trivet::cni {
namespace {

template <class T>
Result<> ReadSetting(const json::Value& value, const char* key, std::optional<T>& out) {
  if (!value.contains(key)) return {};
  return json::ReadRequired(value, key, out.emplace());
}

Error Differs(const Link& link, std::string_view what, const std::string& is,
              const std::string& wanted) {
  return {Code::kFailedPrecondition,
          fmt::format("link {}: {} is {}, not {}", link.name, what, is, wanted)};
}

}  // namespace

LinkSettings CurrentSettings(const Link& link, const LinkSettings& asked) {
  LinkSettings current;
  if (!asked.mac.empty()) current.mac = link.mac;
  if (asked.mtu_bytes != 0) current.mtu_bytes = link.mtu_bytes;
  if (asked.promiscuous) current.promiscuous = (link.flags & IFF_PROMISC) != 0;
  if (asked.all_multicast) current.all_multicast = (link.flags & IFF_ALLMULTI) != 0;
  if (asked.tx_queue_length) current.tx_queue_length = link.tx_queue_length;
  return current;
}

Result<> ApplySettings(netlink::RouteSocket& socket, const Link& link,
                       const LinkSettings& settings) {
  if (settings.empty()) return {};
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(link.index);
  const auto flag = [&](const std::optional<bool>& setting, uint32_t bit) {
    if (!setting) return;
    header.ifi_change |= bit;
    if (*setting) header.ifi_flags |= bit;
  };
  flag(settings.promiscuous, IFF_PROMISC);
  flag(settings.all_multicast, IFF_ALLMULTI);
  netlink::Request request(RTM_NEWLINK, 0);
  request.Struct(header);
  if (!settings.mac.empty()) request.Bytes(IFLA_ADDRESS, MacBytes(settings.mac));
  if (settings.mtu_bytes != 0) request.U32(IFLA_MTU, settings.mtu_bytes);
  if (settings.tx_queue_length) request.U32(IFLA_TXQLEN, *settings.tx_queue_length);
  return socket.Execute(request, fmt::format("tune link {}", link.name));
}

Result<> CompareSettings(const Link& link, const LinkSettings& wanted) {
  const LinkSettings is = CurrentSettings(link, wanted);
  if (is.mac != wanted.mac) {
    return std::unexpected(Differs(link, "MAC address", is.mac, wanted.mac));
  }
  if (is.mtu_bytes != wanted.mtu_bytes) {
    return std::unexpected(
        Differs(link, "mtu", std::to_string(is.mtu_bytes), std::to_string(wanted.mtu_bytes)));
  }
  const auto name = [](const std::optional<bool>& on) { return on.value_or(false) ? "on" : "off"; };
  if (is.promiscuous != wanted.promiscuous) {
    return std::unexpected(
        Differs(link, "promisc", name(is.promiscuous), name(wanted.promiscuous)));
  }
  if (is.all_multicast != wanted.all_multicast) {
    return std::unexpected(
        Differs(link, "allmulti", name(is.all_multicast), name(wanted.all_multicast)));
  }
  if (is.tx_queue_length != wanted.tx_queue_length) {
    return std::unexpected(Differs(link, "txQLen", std::to_string(is.tx_queue_length.value_or(0)),
                                   std::to_string(wanted.tx_queue_length.value_or(0))));
  }
  return {};
}

json::Value ToJson(const LinkSettings& settings) {
  json::Value value = json::Value::object();
  if (!settings.mac.empty()) value["mac"] = settings.mac;
  if (settings.mtu_bytes != 0) value["mtu"] = settings.mtu_bytes;
  if (settings.promiscuous) value["promisc"] = *settings.promiscuous;
  if (settings.all_multicast) value["allmulti"] = *settings.all_multicast;
  if (settings.tx_queue_length) value["txQLen"] = *settings.tx_queue_length;
  return value;
}

Result<LinkSettings> ParseLinkSettings(const json::Value& value) {
  LinkSettings settings;
  RETURN_IF_ERROR(json::ReadOptional(value, "mac", settings.mac));
  RETURN_IF_ERROR(json::ReadOptional(value, "mtu", settings.mtu_bytes));
  RETURN_IF_ERROR(ReadSetting(value, "promisc", settings.promiscuous));
  RETURN_IF_ERROR(ReadSetting(value, "allmulti", settings.all_multicast));
  RETURN_IF_ERROR(ReadSetting(value, "txQLen", settings.tx_queue_length));
  return settings;
}

}  // namespace trivet::cni
