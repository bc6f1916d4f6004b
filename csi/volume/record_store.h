#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/linux/file.h"
#include "csi/filesystem/write_order.h"
#include "csi/pool/device_claim.h"
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

  /// Replaces or adds the record; durable when it returns (kLater: with the caller's next sync).
  Result<> Put(const Record& record, Sync when = Sync::kNow);
  /// Replaces the record in memory, and in its file with the next Put or Settle: for what the next
  /// start would find out again by itself.
  void Adjust(const Record& record);
  /// Writes the record if Adjust left its file behind; durable when it returns.
  Result<> Settle(const std::string& id);
  /// Sets the record's `deleting`, by a new name of its file: no space is needed, and one write to
  /// the disk. Durable when it returns (kLater: with the caller's next sync), and then the next
  /// start sees `deleting`, too.
  Result<> MarkDeleting(Record& record, Sync when = Sync::kNow);
  /// Removes the record. Absent is success. Durable when it returns; or when it was marked as
  /// deleting, at the latest with the next Put of this id: until then a start may find it marked.
  Result<> Remove(const std::string& id);

  /// Where the records are.
  [[nodiscard]] dev_t file_system() const { return file_system_; }

  RecordStore(RecordStore&& other) noexcept
      : folder_(std::move(other.folder_)),
        file_system_(other.file_system_),
        keeps_order_(other.keeps_order_),
        records_(std::move(other.records_)),
        unreadable_(std::move(other.unreadable_)) {}

 private:
  RecordStore(std::filesystem::path folder, dev_t file_system)
      : folder_(std::move(folder)), file_system_(file_system), keeps_order_(KeepsOrder(folder_)) {}
  [[nodiscard]] Result<> Write(const Record& record, Sync when) const;
  Result<> LoadOne(const std::string& file_name);
  void LoadRecord(const std::filesystem::path& file, const std::string& id, bool deleting);
  [[nodiscard]] std::filesystem::path FileOf(const std::string& id) const;
  [[nodiscard]] std::filesystem::path DeletingFileOf(const std::string& id) const;

  std::filesystem::path folder_;
  dev_t file_system_;
  bool keeps_order_;
  mutable std::mutex mutex_;
  std::map<std::string, Record> records_;          // guarded by mutex_
  std::map<std::string, std::string> unreadable_;  // guarded by mutex_; id -> why
  std::set<std::string> behind_;                   // guarded by mutex_; whose file is older
};

using VolumeStore = RecordStore<VolumeRecord>;
using SnapshotStore = RecordStore<SnapshotRecord>;
using GroupStore = RecordStore<GroupRecord>;
extern template class RecordStore<VolumeRecord>;
extern template class RecordStore<SnapshotRecord>;
extern template class RecordStore<GroupRecord>;
extern template class RecordStore<DeviceClaim>;

}  // namespace trivet::csi
