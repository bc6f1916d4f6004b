#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cni/ip_prefix.h"
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
  /// Makes the folder when it is absent.
  static Result<ReservationStore> Open(const std::filesystem::path& folder);
  /// None when the folder is absent: there is nothing to free.
  static Result<std::optional<ReservationStore>> OpenExisting(const std::filesystem::path& folder);

  /// False when somebody holds it.
  Result<bool> Reserve(const IpAddress& address, const Owner& owner);
  /// Every address with its owner. Reads each file: O(addresses in use).
  [[nodiscard]] Result<std::map<IpAddress, Owner>> List() const;
  /// The addresses in use without their owners, from the folder's names alone.
  [[nodiscard]] Result<std::vector<IpAddress>> ListAddresses() const;
  /// The addresses of `owner`. O(addresses in use).
  [[nodiscard]] Result<std::vector<IpAddress>> FindByOwner(const Owner& owner) const;
  /// Frees `address` if `owner` holds it; another's or none's is left, with success.
  Result<> Release(const IpAddress& address, const Owner& owner);
  /// Frees an address whoever holds it.
  Result<> Release(const IpAddress& address);

  /// Removes half-written files of callers that died.
  Result<> RemoveAbandoned();

  /// The address given last from range set `index`.
  [[nodiscard]] std::optional<IpAddress> LastReserved(size_t index) const;
  Result<> SetLastReserved(size_t index, const IpAddress& address);

 private:
  ReservationStore(std::filesystem::path folder, FileLock lock)
      : folder_(std::move(folder)), lock_(std::move(lock)) {}
  [[nodiscard]] std::filesystem::path FileOf(const IpAddress& address) const;
  [[nodiscard]] Result<std::optional<Owner>> ReadOwner(const IpAddress& address) const;

  std::filesystem::path folder_;
  FileLock lock_;
};

/// "<container id>\r\n<ifname>", white space around either tolerated; none when there is no id.
std::optional<Owner> ParseOwner(std::string_view content);

}  // namespace trivet::cni
