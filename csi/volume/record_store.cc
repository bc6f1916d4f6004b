#include "csi/volume/record_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "common/linux/file.h"

namespace trivet::csi {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr std::string_view kDeletingSuffix = ".deleting";
constexpr uint64_t kMaxRecordBytes = 64 << 10;
constexpr mode_t kRecordMode = 0600;

}  // namespace

template <class Record>
Result<RecordStore<Record>> RecordStore<Record>::Open(const std::filesystem::path& folder) {
  const std::string step = fmt::format("{} records", Record::kKind);
  RETURN_IF_ERROR(EnsureDirectory(folder), step);
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ListDirectory(folder), step);
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) return FailErrno("{}: stat {}", step, folder.native());
  RecordStore store(folder, info.st_dev);
  for (const std::string& file : files) {
    RETURN_IF_ERROR(store.LoadOne(file), step);
  }
  return store;
}

template <class Record>
Result<> RecordStore<Record>::LoadOne(const std::string& file_name) {
  // A write that a crash interrupted before its rename.
  if (file_name.starts_with('.')) return RemoveFile(folder_ / file_name);
  const bool deleting = file_name.ends_with(kDeletingSuffix);
  if (!deleting && !file_name.ends_with(kSuffix)) return {};
  const std::string id =
      file_name.substr(0, file_name.size() - (deleting ? kDeletingSuffix : kSuffix).size());
  if (!Record::IsId(id)) return {};
  // Beside a record it is a former one's of the same name, which has come back.
  if (deleting && ::access(FileOf(id).c_str(), F_OK) == 0) return RemoveFile(folder_ / file_name);
  LoadRecord(folder_ / file_name, id, deleting);
  return {};
}

template <class Record>
void RecordStore<Record>::LoadRecord(const std::filesystem::path& file, const std::string& id,
                                     bool deleting) {
  const auto text = ReadFile(file, kMaxRecordBytes);
  if (!text) {
    unreadable_[id] = text.error().message();
    return;
  }
  auto record = Record::Parse(*text, id);
  if (!record) {
    unreadable_[id] = fmt::format("{}: {}", file.native(), record.error().message());
    return;
  }
  record->deleting |= deleting;
  records_[id] = std::move(*record);
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

// Where the order is kept, the sync of the folder makes the bytes durable, too.
template <class Record>
Result<> RecordStore<Record>::Write(const Record& record, Sync when) const {
  const Sync sync = keeps_order_ ? Sync::kLater : when;
  RETURN_IF_ERROR(WriteFileAtomically(FileOf(record.id), record.Write(), kRecordMode, sync));
  return keeps_order_ && when == Sync::kNow ? SyncDirectory(folder_) : Result<>{};
}

template <class Record>
Result<> RecordStore<Record>::Put(const Record& record, Sync when) {
  RETURN_IF_ERROR(Write(record, when),
                  fmt::format("{} {}: write record", Record::kKind, record.id));
  const std::lock_guard lock(mutex_);
  records_[record.id] = record;
  behind_.erase(record.id);
  return {};
}

template <class Record>
void RecordStore<Record>::Adjust(const Record& record) {
  const std::lock_guard lock(mutex_);
  records_[record.id] = record;
  behind_.insert(record.id);
}

template <class Record>
Result<> RecordStore<Record>::Settle(const std::string& id) {
  Record record;
  {
    const std::lock_guard lock(mutex_);
    if (!behind_.contains(id)) return {};
    record = records_.at(id);
  }
  return Put(record);
}

template <class Record>
Result<> RecordStore<Record>::MarkDeleting(Record& record, Sync when) {
  const std::filesystem::path file = FileOf(record.id);
  const std::filesystem::path marked = DeletingFileOf(record.id);
  const std::string step = fmt::format("{} {}: mark as deleting", Record::kKind, record.id);
  // Absent: it was marked by an earlier call, or by the process before this one.
  const bool renamed = ::rename(file.c_str(), marked.c_str()) == 0;
  if (!renamed && errno != ENOENT) return FailErrno("{}: rename {}", step, file.native());
  if (auto synced = when == Sync::kNow ? SyncDirectory(folder_) : Result<>{}; !synced) {
    if (renamed) (void)std::rename(marked.c_str(), file.c_str());
    return std::unexpected(std::move(synced).error().Wrap(step));
  }
  record.deleting = true;
  const std::lock_guard lock(mutex_);
  records_[record.id] = record;
  return {};
}

template <class Record>
Result<> RecordStore<Record>::Remove(const std::string& id) {
  const std::string step = fmt::format("{} {}: remove record", Record::kKind, id);
  RETURN_IF_ERROR(RemoveFile(FileOf(id), /*durable=*/true), step);
  RETURN_IF_ERROR(RemoveFile(DeletingFileOf(id)), step);
  const std::lock_guard lock(mutex_);
  records_.erase(id);
  behind_.erase(id);
  return {};
}

template <class Record>
std::filesystem::path RecordStore<Record>::FileOf(const std::string& id) const {
  return folder_ / (id + std::string(kSuffix));
}

template <class Record>
std::filesystem::path RecordStore<Record>::DeletingFileOf(const std::string& id) const {
  return folder_ / (id + std::string(kDeletingSuffix));
}

template class RecordStore<VolumeRecord>;
template class RecordStore<SnapshotRecord>;
template class RecordStore<GroupRecord>;
template class RecordStore<DeviceClaim>;

}  // namespace trivet::csi
