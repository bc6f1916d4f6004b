#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "csi/volume/node_volumes.h"
#include "csi/volume/provisioner.h"

namespace trivet::csi {

/// An inline volume that a pod is to get: NodePublishVolume is its only call.
struct InlineRequest {
  std::string handle;  // the kubelet's name of it
  CreateRequest create;
  std::filesystem::path target_path;
  Capability capability;
  bool read_only = false;
};

/// Volumes that live as long as their pod: made and staged when they are published, deleted when
/// they are unpublished. Any thread may call it; all calls are repeatable, also after a crash.
class InlineVolumes {
 public:
  /// `staging` is the folder they are staged below. Borrowed: all three outlive it.
  InlineVolumes(Provisioner& provisioner, NodeVolumes& volumes, const VolumeStore& records,
                std::filesystem::path staging)
      : provisioner_(provisioner),
        volumes_(volumes),
        records_(records),
        staging_(std::move(staging)) {}

  /// Whether the kubelet makes such handles of inline volumes. Source: makeVolumeHandle in
  /// pkg/volume/csi/csi_mounter.go: "csi-" and a SHA-256.
  static bool IsHandle(std::string_view handle);
  /// The id of the volume with this handle.
  static std::string IdOf(const std::string& handle);

  /// Errors: as Provisioner::Create, NodeVolumes::Stage and Publish.
  Result<> Publish(const InlineRequest& request);
  /// One that is gone already is success.
  Result<> Unpublish(const std::string& handle, const std::filesystem::path& target_path);

  /// Deletes those whose pod went away while nobody told us: the folder of the target is gone.
  /// Call it once, before serving.
  void Reconcile();

 private:
  Result<> Remove(const std::string& id, const std::filesystem::path& target_path);

  Provisioner& provisioner_;
  NodeVolumes& volumes_;
  const VolumeStore& records_;
  const std::filesystem::path staging_;
};

}  // namespace trivet::csi
