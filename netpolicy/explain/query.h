#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "netpolicy/explain/verdict.h"

namespace trivet::netpolicy {

/// "May FROM open a connection to TO at PORT?" in an admin's words.
struct Query {
  std::string from;  // "namespace/pod", or an address
  std::string to;
  std::string port;  // "80", "53/UDP"
};

/// The connections that a query means: one for each pair of addresses of one family.
/// Errors: kInvalidArgument for words that mean nothing; kNotFound for a pod that is not known or
/// has no address.
Result<std::vector<Connection>> ParseQuery(const AddressBook& addresses, const Query& query);

/// Some lines of text for people.
std::string Describe(const Connection& connection, const Verdict& verdict);

}  // namespace trivet::netpolicy
