#include "cni/add_result.h"

#include <algorithm>

namespace trivet::cni {
namespace {

using json::ReadOptional;
using json::ReadRequired;
using json::Value;

Result<> ReadAddress(const Value& object, std::string_view key, std::optional<IpAddress>& out) {
  std::string text;
  RETURN_IF_ERROR(ReadOptional(object, key, text));
  if (text.empty()) return {};
  ASSIGN_OR_RETURN(out, IpAddress::Parse(text), key);
  return {};
}

Result<> ReadPrefix(const Value& object, std::string_view key, IpPrefix& out) {
  std::string text;
  RETURN_IF_ERROR(ReadRequired(object, key, text));
  ASSIGN_OR_RETURN(out, IpPrefix::Parse(text), key);
  return {};
}

Result<> ReadNumber(const Value& object, std::string_view key, std::optional<uint32_t>& out) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  uint32_t number = 0;
  RETURN_IF_ERROR(ReadOptional(object, key, number));
  out = number;
  return {};
}

Result<Interface> ParseInterface(const Value& value) {
  Interface interface;
  RETURN_IF_ERROR(ReadRequired(value, "name", interface.name));
  RETURN_IF_ERROR(ReadOptional(value, "mac", interface.mac));
  RETURN_IF_ERROR(ReadOptional(value, "mtu", interface.mtu_bytes));
  RETURN_IF_ERROR(ReadOptional(value, "sandbox", interface.sandbox));
  return interface;
}

Result<IpConfig> ParseIpConfig(const Value& value) {
  IpConfig ip;
  RETURN_IF_ERROR(ReadPrefix(value, "address", ip.address));
  RETURN_IF_ERROR(ReadAddress(value, "gateway", ip.gateway));
  // Some plugins write -1 for "none".
  const auto interface = value.find("interface");
  if (interface != value.end() && *interface == -1) return ip;
  RETURN_IF_ERROR(ReadNumber(value, "interface", ip.interface));
  return ip;
}

Result<Route> ParseRoute(const Value& value) {
  Route route;
  RETURN_IF_ERROR(ReadPrefix(value, "dst", route.destination));
  RETURN_IF_ERROR(ReadAddress(value, "gw", route.gateway));
  RETURN_IF_ERROR(ReadNumber(value, "mtu", route.mtu_bytes));
  RETURN_IF_ERROR(ReadNumber(value, "advmss", route.advmss_bytes));
  RETURN_IF_ERROR(ReadNumber(value, "priority", route.priority));
  RETURN_IF_ERROR(ReadNumber(value, "table", route.table));
  RETURN_IF_ERROR(ReadNumber(value, "scope", route.scope));
  return route;
}

template <class T>
Result<std::vector<T>> ParseList(const Value& owner, const char* key,
                                 Result<T> (*parse)(const Value&)) {
  std::vector<T> items;
  const auto found = owner.find(key);
  if (found == owner.end() || found->is_null()) return items;
  if (!found->is_array()) return Fail(Code::kInvalidArgument, "{}: not a list", key);
  for (size_t i = 0; i < found->size(); ++i) {
    const std::string where = fmt::format("{}[{}]", key, i);
    const Value& value = (*found)[i];
    if (!value.is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", where);
    ASSIGN_OR_RETURN(T item, parse(value), where);
    items.push_back(std::move(item));
  }
  return items;
}

// "ip4" and "ip6" of 0.1.0 and 0.2.0: {ip, gateway, routes}.
Result<> ParseLegacyIp(const Value& owner, const char* key, AddResult& result) {
  const auto found = owner.find(key);
  if (found == owner.end() || found->is_null()) return {};
  if (!found->is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", key);
  IpConfig ip;
  RETURN_IF_ERROR(ReadPrefix(*found, "ip", ip.address), key);
  RETURN_IF_ERROR(ReadAddress(*found, "gateway", ip.gateway), key);
  ASSIGN_OR_RETURN(const std::vector<Route> routes, ParseRoutes(*found), key);
  result.ips.push_back(ip);
  result.routes.insert(result.routes.end(), routes.begin(), routes.end());
  return {};
}

template <class T>
void Put(Value& object, const char* key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}

void Put(Value& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}

void Put(Value& object, const char* key, const std::vector<std::string>& value) {
  if (!value.empty()) object[key] = value;
}

Value RouteToJson(const Route& route, SpecVersion version) {
  Value value{{"dst", route.destination.ToString()}};
  if (route.gateway) value["gw"] = route.gateway->ToString();
  if (version < SpecVersion::k110) return value;
  Put(value, "mtu", route.mtu_bytes);
  Put(value, "advmss", route.advmss_bytes);
  Put(value, "priority", route.priority);
  Put(value, "table", route.table);
  Put(value, "scope", route.scope);
  return value;
}

Value DnsToJson(const Dns& dns) {
  Value value = Value::object();
  Put(value, "nameservers", dns.nameservers);
  Put(value, "domain", dns.domain);
  Put(value, "search", dns.search);
  Put(value, "options", dns.options);
  return value;
}

Value InterfaceToJson(const Interface& interface, SpecVersion version) {
  Value value{{"name", interface.name}};
  Put(value, "mac", interface.mac);
  Put(value, "sandbox", interface.sandbox);
  if (version >= SpecVersion::k110 && interface.mtu_bytes != 0) value["mtu"] = interface.mtu_bytes;
  return value;
}

Value IpToJson(const IpConfig& ip, SpecVersion version) {
  Value value{{"address", ip.address.ToString()}};
  if (version < SpecVersion::k100) value["version"] = ip.address.address.is_v4() ? "4" : "6";
  if (ip.gateway) value["gateway"] = ip.gateway->ToString();
  Put(value, "interface", ip.interface);
  return value;
}

void PutLegacyIp(Value& value, const AddResult& result, bool v4) {
  const auto ip = std::find_if(
      result.ips.begin(), result.ips.end(),
      [&](const IpConfig& candidate) { return candidate.address.address.is_v4() == v4; });
  if (ip == result.ips.end()) return;
  Value legacy{{"ip", ip->address.ToString()}};
  if (ip->gateway) legacy["gateway"] = ip->gateway->ToString();
  for (const Route& route : result.routes) {
    if (route.destination.address.is_v4() != v4) continue;
    legacy["routes"].push_back(RouteToJson(route, SpecVersion::k020));
  }
  value[v4 ? "ip4" : "ip6"] = std::move(legacy);
}

}  // namespace

Result<std::vector<Route>> ParseRoutes(const Value& owner) {
  return ParseList<Route>(owner, "routes", ParseRoute);
}

Result<Dns> ParseDns(const Value& owner) {
  Dns dns;
  const auto found = owner.find("dns");
  if (found == owner.end() || found->is_null()) return dns;
  if (!found->is_object()) return Fail(Code::kInvalidArgument, "dns: not an object");
  RETURN_IF_ERROR(ReadOptional(*found, "nameservers", dns.nameservers), "dns");
  RETURN_IF_ERROR(ReadOptional(*found, "domain", dns.domain), "dns");
  RETURN_IF_ERROR(ReadOptional(*found, "search", dns.search), "dns");
  RETURN_IF_ERROR(ReadOptional(*found, "options", dns.options), "dns");
  return dns;
}

Result<AddResult> ParseAddResult(const Value& value) {
  if (!value.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  AddResult result;
  ASSIGN_OR_RETURN(result.interfaces, ParseList<Interface>(value, "interfaces", ParseInterface));
  ASSIGN_OR_RETURN(result.ips, ParseList<IpConfig>(value, "ips", ParseIpConfig));
  ASSIGN_OR_RETURN(result.routes, ParseRoutes(value));
  RETURN_IF_ERROR(ParseLegacyIp(value, "ip4", result));
  RETURN_IF_ERROR(ParseLegacyIp(value, "ip6", result));
  ASSIGN_OR_RETURN(result.dns, ParseDns(value));
  for (IpConfig& ip : result.ips) {
    // An IPAM plugin has no interfaces to point at.
    if (result.interfaces.empty()) ip.interface.reset();
    if (ip.interface && *ip.interface >= result.interfaces.size()) {
      return Fail(Code::kInvalidArgument, "ips: interface {} of {}", *ip.interface,
                  result.interfaces.size());
    }
  }
  return result;
}

Value ToJson(const AddResult& result, SpecVersion version) {
  Value value{{"cniVersion", Name(version)}, {"dns", DnsToJson(result.dns)}};
  if (version < SpecVersion::k030) {
    PutLegacyIp(value, result, true);
    PutLegacyIp(value, result, false);
    return value;
  }
  for (const Interface& interface : result.interfaces) {
    value["interfaces"].push_back(InterfaceToJson(interface, version));
  }
  for (const IpConfig& ip : result.ips) value["ips"].push_back(IpToJson(ip, version));
  for (const Route& route : result.routes) value["routes"].push_back(RouteToJson(route, version));
  return value;
}

}  // namespace trivet::cni
