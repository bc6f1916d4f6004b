#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cni/ip_prefix.h"
#include "cni/ipam/owner_index.h"
#include "common/base/error.h"
#include "common/linux/file_lock.h"

namespace trivet::cni {

/// Who holds an address: the two lines of its file.
struct Owner {
  std::string container_id;
  std::string ifname;  // empty in files of the oldest host-local
  auto operator<=>(const Owner&) const = default;
};

/// The addresses of one network on disk, in host-local's layout, so that either
/// plugin goes on with the other's state. Holding the object holds the folder's
/// lock, which both take.
///
/// An empty file is an address whose owner was lost in a crash: nobody can be
/// writing it, because the lock is held here, so it counts as free. Names that
/// are no addresses are other people's and are left alone.
class ReservationStore {
 public:
  /// Makes the folder when it is absent. `indexes` is where an index of the owners is kept.
  static Result<ReservationStore> Open(const std::filesystem::path& folder,
                                       const std::filesystem::path& indexes);
  /// None when the folder is absent: there is nothing to free.
  static Result<std::optional<ReservationStore>> OpenExisting(const std::filesystem::path& folder,
                                                              const std::filesystem::path& indexes);

  /// False when somebody holds it.
  Result<bool> Reserve(const IpAddress& address, const Owner& owner);
  /// Every address with its owner. Reads each file, and removes what callers that died have left
  /// half-written.
  Result<std::map<IpAddress, Owner>> List();
  /// The addresses in use without their owners, sorted, from the folder's names alone.
  [[nodiscard]] Result<std::vector<IpAddress>> ListAddresses() const;
  /// The addresses of `owner`. Reads their files alone, unless somebody else has changed the folder
  /// since the last call: then as List().
  Result<std::vector<IpAddress>> FindByOwner(const Owner& owner);
  /// Frees an address that `owner` holds, as the calls above have told.
  Result<> Release(const IpAddress& address, const Owner& owner);

  /// The address given last from range set `index`.
  [[nodiscard]] std::optional<IpAddress> LastReserved(size_t index) const;
  /// A hint: where it cannot be written, allocation goes on from an earlier one.
  void SetLastReserved(size_t index, const IpAddress& address);

 private:
  ReservationStore(std::filesystem::path folder, const std::filesystem::path& indexes,
                   FileLock lock)
      : folder_(std::move(folder)), lock_(std::move(lock)), index_(folder_, indexes) {}
  [[nodiscard]] std::filesystem::path FileOf(const IpAddress& address) const;
  [[nodiscard]] std::filesystem::path LastReservedFile(size_t index) const;
  [[nodiscard]] Result<std::optional<Owner>> ReadOwner(const IpAddress& address) const;
  Result<> RemoveHalfWritten(const std::vector<IpAddress>& empty) const;

  std::filesystem::path folder_;
  FileLock lock_;
  OwnerIndex index_;
};

/// "<container id>\r\n<ifname>", white space around either tolerated; none when there is no id.
std::optional<Owner> ParseOwner(std::string_view content);

}  // namespace trivet::cni
