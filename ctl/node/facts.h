#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/error.h"
#include "ctl/object/pod.h"

namespace trivet::ctl {

/// What the translation of a Pod needs to know about this node: gathered once, so that
/// the translation itself is pure.
struct NodeFacts {
  std::string node_name;
  int64_t memory_bytes = 0;  // MemTotal
  bool cgroup_v2 = false;
  DnsConfig dns;              // of /etc/resolv.conf
  std::string cgroup_parent;  // of all pods; empty: the runtime's own
  bool seccomp_default = false;
};

/// Reads them below `root` ("/").
Result<NodeFacts> ReadNodeFacts(const std::filesystem::path& root);

/// resolv.conf(5): nameserver, search, options; unknown lines are skipped.
DnsConfig ParseResolvConf(std::string_view text);

}  // namespace trivet::ctl
