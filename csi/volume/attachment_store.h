#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "common/base/error.h"
#include "csi/volume/attachment.h"

namespace trivet::csi {

/// All attachments: a folder of JSON files, and the same in memory.
/// Any thread may call it; the caller holds the volume's lock.
class AttachmentStore {
 public:
  /// Reads those of this boot and removes the others. One that cannot be read is
  /// removed, too: the mount table still knows what is mounted.
  static Result<AttachmentStore> Open(const std::filesystem::path& folder);

  /// Empty when the volume is nowhere.
  [[nodiscard]] Attachment Of(const std::string& id) const;
  /// Replaces the volume's; an empty one is removed.
  Result<> Put(const std::string& id, const Attachment& attachment);
  /// The ids of all volumes that are somewhere.
  [[nodiscard]] std::vector<std::string> Ids() const;

  AttachmentStore(AttachmentStore&& other) noexcept
      : folder_(std::move(other.folder_)),
        boot_id_(std::move(other.boot_id_)),
        attachments_(std::move(other.attachments_)) {}

 private:
  AttachmentStore(std::filesystem::path folder, std::string boot_id)
      : folder_(std::move(folder)), boot_id_(std::move(boot_id)) {}
  Result<> LoadOne(const std::string& file_name);

  std::filesystem::path folder_;
  std::string boot_id_;
  mutable std::mutex mutex_;
  std::map<std::string, Attachment> attachments_;  // guarded by mutex_
};

}  // namespace trivet::csi
