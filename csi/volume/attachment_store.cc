#include "csi/volume/attachment_store.h"

#include <spdlog/spdlog.h>

#include "common/linux/file.h"
#include "common/linux/state_file.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

constexpr std::string_view kAttachmentSuffix = ".json";

}  // namespace

Result<AttachmentStore> AttachmentStore::Open(const std::filesystem::path& folder) {
  RETURN_IF_ERROR(EnsureDirectory(folder), "attachments");
  ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId(), "attachments");
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ListDirectory(folder), "attachments");
  AttachmentStore store(folder, boot_id);
  for (const std::string& file : files) {
    RETURN_IF_ERROR(store.LoadOne(file), "attachments");
  }
  return store;
}

Result<> AttachmentStore::LoadOne(const std::string& file_name) {
  const std::filesystem::path file = folder_ / file_name;
  if (!file_name.ends_with(kAttachmentSuffix)) return RemoveFile(file);
  const std::string id = file_name.substr(0, file_name.size() - kAttachmentSuffix.size());
  if (!IsVolumeId(id)) return RemoveFile(file);

  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  auto attachment = ParseAttachment(text, boot_id_);
  if (!attachment) {
    spdlog::warn("forgotten attachment file={} reason=\"{}\"", file.native(),
                 attachment.error().message());
    return RemoveFile(file);
  }
  if (!*attachment) return RemoveFile(file);
  attachments_[id] = std::move(**attachment);
  return {};
}

Attachment AttachmentStore::Of(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = attachments_.find(id);
  return found == attachments_.end() ? Attachment{} : found->second;
}

Result<> AttachmentStore::Put(const std::string& id, const Attachment& attachment) {
  const std::filesystem::path file = folder_ / (id + std::string(kAttachmentSuffix));
  const std::string step = fmt::format("volume {}: attachment", id);
  if (attachment.empty()) {
    RETURN_IF_ERROR(RemoveFile(file), step);
  } else {
    RETURN_IF_ERROR(WritePage(file, WriteAttachment(attachment, boot_id_)), step);
  }
  const std::lock_guard lock(mutex_);
  if (attachment.empty()) {
    attachments_.erase(id);
  } else {
    attachments_[id] = attachment;
  }
  return {};
}

std::vector<std::string> AttachmentStore::Ids() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, attachment] : attachments_) ids.push_back(id);
  return ids;
}

}  // namespace trivet::csi
