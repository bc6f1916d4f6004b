#pragma once

#include <sys/types.h>

#include <set>
#include <string>

namespace trivet::testing {

/// Of the links of this network namespace that are down: those whose other end is in a network
/// namespace that the process has a descriptor of. It may end meanwhile; then there are none.
std::set<std::string> FindUnusedLinksIntoNetworksOf(pid_t process);

}  // namespace trivet::testing
