#include "csi/volume/record_store.h"

#include "common/linux/file.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr uint64_t kMaxRecordBytes = 64 << 10;

}  // namespace

Result<RecordStore> RecordStore::Open(const std::filesystem::path& folder) {
  RETURN_IF_ERROR(EnsureDirectory(folder), "volume records");
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ListDirectory(folder), "volume records");
  RecordStore store(folder);
  for (const std::string& file : files) {
    RETURN_IF_ERROR(store.LoadOne(file), "volume records");
  }
  return store;
}

Result<> RecordStore::LoadOne(const std::string& file_name) {
  // A write that a crash interrupted before its rename.
  if (file_name.starts_with('.')) return RemoveFile(folder_ / file_name);
  if (!file_name.ends_with(kSuffix)) return {};
  const std::string id = file_name.substr(0, file_name.size() - kSuffix.size());
  if (!IsVolumeId(id)) return {};

  auto text = ReadFile(folder_ / file_name, kMaxRecordBytes);
  if (!text) {
    unreadable_[id] = text.error().message();
    return {};
  }
  auto record = ParseRecord(*text, id);
  if (record) {
    records_[id] = std::move(*record);
  } else {
    unreadable_[id] =
        fmt::format("{}: {}", (folder_ / file_name).native(), record.error().message());
  }
  return {};
}

Result<VolumeRecord> RecordStore::Find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = records_.find(id); found != records_.end()) return found->second;
  if (const auto found = unreadable_.find(id); found != unreadable_.end()) {
    return Fail(Code::kDataLoss, "volume {}: read record: {}", id, found->second);
  }
  return Fail(Code::kNotFound, "volume {}: does not exist", id);
}

std::vector<VolumeRecord> RecordStore::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<VolumeRecord> all;
  all.reserve(records_.size());
  for (const auto& [id, record] : records_) all.push_back(record);
  return all;
}

std::map<std::string, std::string> RecordStore::Unreadable() const {
  const std::lock_guard lock(mutex_);
  return unreadable_;
}

Result<> RecordStore::Put(const VolumeRecord& record) {
  RETURN_IF_ERROR(WriteFileAtomically(FileOf(record.id), WriteRecord(record)),
                  fmt::format("volume {}: write record", record.id));
  const std::lock_guard lock(mutex_);
  records_[record.id] = record;
  return {};
}

Result<> RecordStore::Remove(const std::string& id) {
  RETURN_IF_ERROR(RemoveFile(FileOf(id), /*durable=*/true),
                  fmt::format("volume {}: remove record", id));
  const std::lock_guard lock(mutex_);
  records_.erase(id);
  return {};
}

std::filesystem::path RecordStore::FileOf(const std::string& id) const {
  return folder_ / (id + std::string(kSuffix));
}

}  // namespace trivet::csi
