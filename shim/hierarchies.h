#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"

namespace trivet::shim {

/// Where a container's groups of cgroup v1 are: ROOT/CONTROLLER/GROUP, one group in hierarchies
/// side by side.
struct Hierarchies {
  std::string root;                      // "/sys/fs/cgroup"
  std::vector<std::string> controllers;  // folders of the root: "cpu"
  std::string group;                     // "pods/ID"; empty: the hierarchies' own roots

  /// The group's folder in the hierarchy of `controller`.
  [[nodiscard]] std::string FolderIn(const std::string& controller) const;
  [[nodiscard]] bool Has(const std::string& controller) const;
};

/// Of ContainerSpec::cgroup_procs, by their text; only where there is but one is its hierarchy
/// looked for. Errors: kInvalidArgument where they are not the same file of one group.
Result<Hierarchies> HierarchiesOf(const std::vector<std::string>& entry_files);

}  // namespace trivet::shim
