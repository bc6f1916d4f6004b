#include "netpolicy/explain/query.h"

#include <fmt/format.h>

#include <charconv>

#include "netpolicy/model/parse.h"

namespace trivet::netpolicy {
namespace {

Result<std::vector<Address>> ParseEnd(const AddressBook& addresses, std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    ASSIGN_OR_RETURN(Address address, Address::Parse(text));
    return std::vector<Address>{std::move(address)};
  }
  const ObjectName name{text.substr(0, slash), text.substr(slash + 1)};
  if (const auto found = addresses.pods().find(name);
      found != addresses.pods().end() && !found->second.empty()) {
    return found->second;
  }
  std::vector<Address> local;  // of a pod without a manifest
  for (const auto& [address, owner] : addresses.local()) {
    if (owner->pod == name) local.push_back(address);
  }
  if (local.empty()) return Fail(Code::kNotFound, "no address of a pod {} is known", text);
  return local;
}

Result<> ParsePort(std::string_view text, Connection& out) {
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    ASSIGN_OR_RETURN(out.protocol, ParseProtocol(text.substr(slash + 1)));
  }
  const std::string_view digits = text.substr(0, slash);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || out.port == 0) {
    return Fail(Code::kInvalidArgument, "'{}' is not a port like 80 or 53/UDP", text);
  }
  return {};
}

void Append(std::string_view title, const HalfVerdict& half, std::string& out) {
  out += fmt::format("  {} {}: {}; {}{}\n", title, half.end, half.allowed ? "allowed" : "denied",
                     half.reason, half.decided_here ? "" : " (not this node's to decide)");
  for (const std::string& line : half.policies) out += fmt::format("    {}\n", line);
}

}  // namespace

Result<std::vector<Connection>> ParseQuery(const AddressBook& addresses, const Query& query) {
  Connection connection;
  RETURN_IF_ERROR(ParsePort(query.port, connection));
  ASSIGN_OR_RETURN(const auto from, ParseEnd(addresses, query.from));
  ASSIGN_OR_RETURN(const auto to, ParseEnd(addresses, query.to));
  std::vector<Connection> connections;
  for (const Address& client : from) {
    for (const Address& server : to) {
      if (client.is_ipv6() != server.is_ipv6()) continue;
      connections.push_back({client, server, connection.protocol, connection.port});
    }
  }
  if (connections.empty()) {
    return Fail(Code::kInvalidArgument, "{} and {} have no address family in common", query.from,
                query.to);
  }
  return connections;
}

std::string Describe(const Connection& connection, const Verdict& verdict) {
  std::string text = fmt::format(
      "{} -> {} {}/{}: {}\n", connection.from.ToString(), connection.to.ToString(), connection.port,
      NameOf(connection.protocol), verdict.allowed() ? "ALLOWED" : "DENIED");
  Append("from", verdict.egress, text);
  Append("to", verdict.ingress, text);
  return text;
}

}  // namespace trivet::netpolicy
