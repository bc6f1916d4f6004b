#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "csi/volume/group_record.h"
#include "csi/volume/record.h"
#include "csi/volume/snapshot_record.h"

namespace trivet::csi {

/// All records of one kind: a folder of JSON files, and the same in memory.
///
/// Any thread may call it. Two changes of one record do not happen at once: the
/// caller holds its id's lock. No lock of the store is held while it writes.
template <class Record>
class RecordStore {
 public:
  /// Reads every record. One that cannot be read does not stop the others: Find
  /// answers for its id with the reason. Errors: the folder cannot be used.
  static Result<RecordStore> Open(const std::filesystem::path& folder);

  /// Errors: kNotFound "volume v-…: does not exist"; kDataLoss when its record
  /// cannot be read.
  Result<Record> Find(const std::string& id) const;

  /// Every readable record, by id.
  std::vector<Record> All() const;
  /// The ids whose record cannot be read, and why.
  std::map<std::string, std::string> Unreadable() const;

  /// Replaces or adds the record; durable when it returns.
  Result<> Put(const Record& record);
  /// Removes the record; durable when it returns. Absent is success.
  Result<> Remove(const std::string& id);

  RecordStore(RecordStore&& other) noexcept
      : folder_(std::move(other.folder_)),
        records_(std::move(other.records_)),
        unreadable_(std::move(other.unreadable_)) {}

 private:
  explicit RecordStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<> LoadOne(const std::string& file_name);
  [[nodiscard]] std::filesystem::path FileOf(const std::string& id) const;

  std::filesystem::path folder_;
  mutable std::mutex mutex_;
  std::map<std::string, Record> records_;          // guarded by mutex_
  std::map<std::string, std::string> unreadable_;  // guarded by mutex_; id -> why
};

using VolumeStore = RecordStore<VolumeRecord>;
using SnapshotStore = RecordStore<SnapshotRecord>;
using GroupStore = RecordStore<GroupRecord>;
extern template class RecordStore<VolumeRecord>;
extern template class RecordStore<SnapshotRecord>;
extern template class RecordStore<GroupRecord>;

}  // namespace trivet::csi
