#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/process.h"
#include "tests/bench/shim/bench_root.h"
#include "tests/bench/shim/confinement.h"

/// What the kernel alone asks for the steps that the shim takes: the same system calls, with
/// nothing checked, prepared, told or kept.
namespace trivet::bench::floor {

/// A process in network, IPC and UTS namespaces of its own, its network namespace pinned at
/// `netns`; it waits for a signal. Returns when the namespaces are there.
Result<Child> StartPod(const char* netns);

/// The container of shim_bench.cc: the same namespaces, root, mounts and device nodes. Returns once
/// `sleep` was executed. `attach_point` is an empty folder.
Result<Child> StartContainer(const BenchRoot& root, const char* attach_point);

/// The same with a root of the caller's.
struct ContainerParts {
  UniqueFd root;  // a detached mount with the folders of BenchRoot
  UniqueFd usr;   // a detached mount
  std::string attach_point;
  std::vector<UniqueFd> procs_files;  // of the v1 groups it joins
  UniqueFd birth_group;               // the v2 group it is born in
  std::optional<Confinement> confinement;
};
Result<Child> StartContainer(const ContainerParts& parts);

/// /bin/true in the container's namespaces, to its end.
Result<> Exec(const Child& container);

}  // namespace trivet::bench::floor
