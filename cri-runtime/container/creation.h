#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/mount.h"
#include "cri-runtime/container/fd_table.h"
#include "cri-runtime/container/record.h"
#include "cri-runtime/container/root_mount.h"
#include "cri-runtime/container/user.h"
#include "cri-runtime/node.h"
#include "cri-runtime/state/single_flight.h"
#include "cri-runtime/state/snapshot.h"

namespace trivet::container {

/// One CreateContainer: from the image to the message to the shim. What it has
/// made when a step fails is undone by Discard.
class Creation {
 public:
  Creation(cri::Node& node, std::shared_ptr<const state::Sandbox> sandbox, std::string id)
      : node_(node), sandbox_(std::move(sandbox)), id_(std::move(id)) {}

  Result<> Run(const Config& asked, state::Progress& progress);

 private:
  Result<> ChooseLabels(const Security& security);
  Result<DetachedMount> MountRoot(const Config& config, const image::Image& image) const;
  Result<Accounts> AccountsOf(const image::Image& image, RootMount& root) const;
  Result<Record> Plan(const Config& config, const image::Image& image,
                      const Accounts& accounts) const;
  Result<> MakeGroup(const Record& record) const;
  Result<> EnsurePodFolder() const;
  [[nodiscard]] std::filesystem::path SharedMemory() const;
  Result<std::vector<shim::MountSpec>> TakeMounts(const Record& record, FdTable& fds) const;
  [[nodiscard]] bool SeesTheNodesCgroups(const Security& security) const;
  Result<> HandOver(const Record& record, DetachedMount root, std::vector<shim::MountSpec> mounts,
                    FdTable fds) const;
  Result<shim::ContainerSpec> Describe(const Record& record) const;

  cri::Node& node_;
  std::shared_ptr<const state::Sandbox> sandbox_;
  std::string id_;
  selinux::Labels labels_;
  UniqueFd user_namespace_;  // the pod's own
};

}  // namespace trivet::container
