#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "ctl/node/cri.h"
#include "ctl/node/facts.h"
#include "ctl/node/paths.h"
#include "ctl/node/policy_folder.h"
#include "ctl/node/records.h"
#include "ctl/node/report.h"
#include "ctl/node/volumes.h"

namespace trivet::ctl {

/// Where the parts of the node are.
struct NodeOptions {
  std::filesystem::path cri_socket = "/run/trivet/cri.sock";
  std::filesystem::path csi_socket = "/run/trivet/csi.sock";
  std::filesystem::path state_directory = "/var/lib/trivet/ctl";
  std::filesystem::path manifests = "/var/lib/trivet/manifests";  // the policy agent's
  std::string cgroup_parent;  // of all pods; empty: the runtime's own
  bool seccomp_default = false;
};

/// The node as the player of manifests works on it: its three protocols and its own state.
struct Node {
  Node(const NodeOptions& options, NodeFacts node_facts, Cri runtime, const Report& to)
      : facts(std::move(node_facts)),
        paths(options.state_directory),
        records(options.state_directory),
        policies(options.manifests),
        cri(std::move(runtime)),
        report(to),
        volumes(options.csi_socket, records, paths, report) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  NodeFacts facts;
  Paths paths;
  Records records;
  PolicyFolder policies;
  Cri cri;
  const Report& report;
  Volumes volumes;
};

}  // namespace trivet::ctl
