#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cni/attachment.h"
#include "cni/paths.h"
#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::cni {

/// One attachment's exclusive lock, held while the object lives: a DEL waits for an ADD of the same
/// attachment that still runs. The kernel releases it when the holder dies.
///
/// A byte range of one file, so that no lock file per attachment is left behind.
/// Source: man 2 fcntl, "Open file description locks".
class AttachmentLock {
 public:
  static Result<AttachmentLock> Acquire(const Paths& paths, const AttachmentKey& key);

 private:
  explicit AttachmentLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// The records in attachments/.
class AttachmentStore {
 public:
  explicit AttachmentStore(Paths paths) : paths_(std::move(paths)) {}

  /// None when there is none. A file that cannot be read as a record counts as none: it was never
  /// written whole, so nothing was made after it.
  Result<std::optional<Attachment>> Read(const AttachmentKey& key) const;
  /// Survives a crash of this process, not of the machine, after which nothing of an attachment is
  /// left but its address. The caller holds the attachment's lock.
  Result<> Write(const Attachment& attachment) const;
  /// With the half-written one that a killed ADD left. The caller holds the attachment's lock.
  Result<> Remove(const AttachmentKey& key) const;

  /// Removes what is of `network` and of none of `kept`: records that cannot be read, and
  /// half-written ones. For GC, which no ADD or DEL overlaps.
  Result<> RemoveStray(const std::string& network, const std::vector<AttachmentKey>& kept) const;

  /// All records, or those of one network.
  Result<std::vector<Attachment>> List() const;
  Result<std::vector<Attachment>> List(const std::string& network) const;
  /// Keys with the names and the locks of records that a power cut has torn: what they tell of is
  /// gone. Not those of a newer version.
  Result<std::vector<AttachmentKey>> ListTorn() const;
  /// Whether the record of that name is there and torn.
  [[nodiscard]] bool IsTorn(const AttachmentKey& key) const;
  /// Whether `key`'s network has another record than `key`'s: ends at the first that it finds.
  Result<bool> HasOthers(const AttachmentKey& key) const;

 private:
  [[nodiscard]] std::filesystem::path FileOf(const AttachmentKey& key) const;
  [[nodiscard]] std::filesystem::path SiblingOf(const AttachmentKey& key) const;
  Result<std::vector<std::string>> Names() const;

  Paths paths_;
};

/// "<network>@<container id>@<ifname>.json": '@' is in none of the first two. The container id is
/// replaced by a hash where the name would be too long for a file.
std::string RecordName(const AttachmentKey& key);

}  // namespace trivet::cni
