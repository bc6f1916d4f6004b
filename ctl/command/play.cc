#include "ctl/command/play.h"

#include <functional>
#include <iostream>

#include "common/linux/file.h"
#include "common/linux/file_lock.h"
#include "ctl/node/apply.h"
#include "ctl/object/bundle.h"

namespace trivet::ctl {
namespace {

using Action = std::function<Result<>(Node&, const Bundle&)>;

Result<> Play(const NodeOptions& options, const PlayOptions& play, const Action& action) {
  ASSIGN_OR_RETURN(const Bundle bundle, LoadBundle(play.manifests));
  const Report report(std::cout, play.json);
  for (const std::string& warning : bundle.warnings) report.Warn(warning);

  ASSIGN_OR_RETURN(NodeFacts facts, ReadNodeFacts("/"), "node");
  facts.cgroup_parent = options.cgroup_parent;
  facts.seccomp_default = options.seccomp_default;
  ASSIGN_OR_RETURN(Cri cri, Cri::Connect(options.cri_socket));
  Node node(options, std::move(facts), std::move(cri), report);

  RETURN_IF_ERROR(EnsureDirectory(options.state_directory), "state");
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(node.paths.Lock()));
  RETURN_IF_ERROR(node.records.Tidy());
  RETURN_IF_ERROR(node.policies.Tidy());
  return action(node, bundle);
}

}  // namespace

Result<> RunManifests(const NodeOptions& node, const PlayOptions& options) {
  return Play(node, options, [&](Node& at, const Bundle& bundle) {
    return Apply(at, bundle, options.wait_timeout);
  });
}

Result<> DeleteManifests(const NodeOptions& node, const PlayOptions& options) {
  return Play(node, options, Delete);
}

}  // namespace trivet::ctl
