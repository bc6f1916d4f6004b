#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cni/ip_prefix.h"
#include "common/base/error.h"

namespace trivet::cni {

/// Which addresses a container may hold: what spares ADD and DEL the reading of every reservation.
///
/// A cache beside the folder of the reservations: a symbolic link per container whose text is its
/// addresses. It is complete while both folders bear its mark, a modification time of long ago.
/// Whoever adds or removes a file there takes the mark away by it: another plugin, a caller of ours
/// that is killed half-way, a person. Then it is built anew from what is there. After a reboot the
/// mark is another one.
///
/// All calls are made with the folder's lock held. A failure makes the cache incomplete, no more.
class OwnerIndex {
 public:
  /// Of the reservations in `folder`, kept in `kept_in`.
  OwnerIndex(const std::filesystem::path& folder, const std::filesystem::path& kept_in);

  /// Whether it knows of every reservation.
  [[nodiscard]] bool complete() const { return complete_; }
  /// Candidates: who wants one has to look whose it is. Incomplete after it, when what is there is
  /// no link.
  [[nodiscard]] std::vector<IpAddress> Find(const std::string& container_id);

  /// To be called after the reservation was made or removed, never before.
  void Add(const std::string& container_id, const IpAddress& address);
  void Remove(const std::string& container_id, const IpAddress& address);
  /// Makes it say `reservations` (address to container) and nothing else.
  void Rebuild(const std::map<IpAddress, std::string>& reservations);
  /// Sets the mark again after a change of the folder that was told to this object, if complete.
  void Mark();

 private:
  [[nodiscard]] Result<timespec> ChooseMark(ino_t folder) const;
  [[nodiscard]] std::filesystem::path LinkOf(const std::string& container_id) const;
  void Write(const std::filesystem::path& link, const std::vector<IpAddress>& addresses);

  std::filesystem::path folder_;
  std::filesystem::path index_;
  timespec mark_{};
  bool complete_ = false;
};

}  // namespace trivet::cni
