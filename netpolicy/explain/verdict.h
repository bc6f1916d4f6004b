#pragma once

#include <string>
#include <vector>

#include "netpolicy/plan/address_book.h"

namespace trivet::netpolicy {

/// The first packet of a connection, as the server sees it: after a service's address was
/// translated.
struct Connection {
  Address from;
  Address to;
  Protocol protocol = Protocol::kTcp;
  uint16_t port = 0;
};

/// What is said about one end of a connection.
struct HalfVerdict {
  bool allowed = true;
  bool decided_here = true;           // false: the end is another node's, and that node decides
  std::string end;                    // "shop/server (10.88.0.5)"
  std::string reason;                 // "isolated, and no rule allows it"
  std::vector<std::string> policies;  // of those that isolate the end, rule by rule
};

struct Verdict {
  HalfVerdict egress;   // may the client's end send?
  HalfVerdict ingress;  // may the server's end receive?
  [[nodiscard]] bool allowed() const { return egress.allowed && ingress.allowed; }
};

/// Judges by the policies' own words, not by the compiled table: the two are written apart, and
/// tests hold one against the other. Pure.
Verdict Judge(const World& world, const AddressBook& addresses, const Connection& connection);

}  // namespace trivet::netpolicy
