#pragma once

#include <optional>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "csi/filesystem/freeze.h"
#include "csi/pool/pool.h"
#include "csi/volume/attachment_store.h"

namespace trivet::csi {

/// A volume whose bytes are those that its user wrote: a mounted file system is
/// frozen, a block device's cache is written out. Dropping it lets the writers go
/// on; after a crash meanwhile, NodeVolumes::Reconcile does.
class StillVolume {
 public:
  /// The caller holds the volume's lock. `attachments` is borrowed and outlives it.
  static Result<StillVolume> Hold(const Pool& pool, AttachmentStore& attachments,
                                  const std::string& id);

  StillVolume(StillVolume&& other) noexcept
      : marked_in_(std::exchange(other.marked_in_, nullptr)),
        id_(std::move(other.id_)),
        frozen_(std::move(other.frozen_)) {}
  StillVolume& operator=(StillVolume&&) = delete;
  ~StillVolume();

 private:
  explicit StillVolume(std::string id) : id_(std::move(id)) {}
  Result<> Freeze(AttachmentStore& attachments, const std::filesystem::path& target);

  AttachmentStore* marked_in_ = nullptr;  // none: there was nothing to freeze
  std::string id_;
  std::optional<FrozenFileSystem> frozen_;
};

}  // namespace trivet::csi
