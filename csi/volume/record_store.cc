#include "csi/volume/record_store.h"

#include "common/linux/file.h"

namespace trivet::csi {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr uint64_t kMaxRecordBytes = 64 << 10;

}  // namespace

template <class Record>
Result<RecordStore<Record>> RecordStore<Record>::Open(const std::filesystem::path& folder) {
  const std::string step = fmt::format("{} records", Record::kKind);
  RETURN_IF_ERROR(EnsureDirectory(folder), step);
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ListDirectory(folder), step);
  RecordStore store(folder);
  for (const std::string& file : files) {
    RETURN_IF_ERROR(store.LoadOne(file), step);
  }
  return store;
}

template <class Record>
Result<> RecordStore<Record>::LoadOne(const std::string& file_name) {
  // A write that a crash interrupted before its rename.
  if (file_name.starts_with('.')) return RemoveFile(folder_ / file_name);
  if (!file_name.ends_with(kSuffix)) return {};
  const std::string id = file_name.substr(0, file_name.size() - kSuffix.size());
  if (!Record::IsId(id)) return {};

  auto text = ReadFile(folder_ / file_name, kMaxRecordBytes);
  if (!text) {
    unreadable_[id] = text.error().message();
    return {};
  }
  auto record = Record::Parse(*text, id);
  if (record) {
    records_[id] = std::move(*record);
  } else {
    unreadable_[id] =
        fmt::format("{}: {}", (folder_ / file_name).native(), record.error().message());
  }
  return {};
}

template <class Record>
Result<Record> RecordStore<Record>::Find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = records_.find(id); found != records_.end()) return found->second;
  if (const auto found = unreadable_.find(id); found != unreadable_.end()) {
    return Fail(Code::kDataLoss, "{} {}: read record: {}", Record::kKind, id, found->second);
  }
  return Fail(Code::kNotFound, "{} {}: does not exist", Record::kKind, id);
}

template <class Record>
std::vector<Record> RecordStore<Record>::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<Record> all;
  all.reserve(records_.size());
  for (const auto& [id, record] : records_) all.push_back(record);
  return all;
}

template <class Record>
std::map<std::string, std::string> RecordStore<Record>::Unreadable() const {
  const std::lock_guard lock(mutex_);
  return unreadable_;
}

template <class Record>
Result<> RecordStore<Record>::Put(const Record& record) {
  RETURN_IF_ERROR(WriteFileAtomically(FileOf(record.id), record.Write()),
                  fmt::format("{} {}: write record", Record::kKind, record.id));
  const std::lock_guard lock(mutex_);
  records_[record.id] = record;
  return {};
}

template <class Record>
Result<> RecordStore<Record>::Remove(const std::string& id) {
  RETURN_IF_ERROR(RemoveFile(FileOf(id), /*durable=*/true),
                  fmt::format("{} {}: remove record", Record::kKind, id));
  const std::lock_guard lock(mutex_);
  records_.erase(id);
  return {};
}

template <class Record>
std::filesystem::path RecordStore<Record>::FileOf(const std::string& id) const {
  return folder_ / (id + std::string(kSuffix));
}

template class RecordStore<VolumeRecord>;
template class RecordStore<SnapshotRecord>;
template class RecordStore<GroupRecord>;

}  // namespace trivet::csi
