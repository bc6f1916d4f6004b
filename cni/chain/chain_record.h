#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cni/attachment_key.h"
#include "cni/paths.h"
#include "common/base/error.h"
#include "common/base/json.h"

namespace trivet::cni {

/// What a chained type has made for one attachment, or was about to make when it was killed.
struct ChainRecord {
  AttachmentKey key;
  std::string boot_id;  // of the boot it was made in: after another, nothing of it is left
  json::Value made;     // the type's own words; whatever undoing it needs
};

/// The records of one chained type, in chained/<type>/. No call but List() and RemoveStray() works
/// through more than the one file. The caller holds the attachment's lock.
class ChainStore {
 public:
  ChainStore(const Paths& paths, std::string_view type) : folder_(paths.chained(type)) {}

  /// None when there is none. A file that cannot be read as a record counts as none: it was never
  /// written whole, so nothing was made after it. Errors: kUnimplemented for a newer version.
  Result<std::optional<ChainRecord>> Read(const AttachmentKey& key) const;
  /// For an attachment without a record: before anything is made. Survives a crash of this process;
  /// one of the machine takes what it tells of along.
  Result<> Write(const ChainRecord& record) const;
  /// Absent is success.
  Result<> Remove(const AttachmentKey& key) const;

  /// Whether `network` has a record, readable or not.
  Result<bool> HasAny(const std::string& network) const;
  /// All records, or those of one network.
  Result<std::vector<ChainRecord>> List() const;
  Result<std::vector<ChainRecord>> List(const std::string& network) const;
  /// Removes files of `network` and of none of `kept`, readable or not. For GC, which no ADD or DEL
  /// overlaps.
  Result<> RemoveStray(const std::string& network, const std::vector<AttachmentKey>& kept) const;

 private:
  Result<std::vector<std::string>> Names() const;

  std::filesystem::path folder_;
};

}  // namespace trivet::cni
