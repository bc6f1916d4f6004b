#include "cni/ipam/reservation_store.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/linux/file.h"
#include "common/linux/state_file.h"

namespace trivet::cni {
namespace {

// A file of ours holds two names; a foreign one of any size is not read into memory.
constexpr uint64_t kMaxFileBytes = 4096;

std::string_view Trim(std::string_view text) {
  return WithoutBlanks(text, std::string_view(" \t\r\n\0", 5));
}

}  // namespace

std::optional<Owner> ParseOwner(std::string_view content) {
  const std::string_view text = Trim(content);
  if (text.empty()) return std::nullopt;
  const size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos) return Owner{std::string(text), {}};
  return Owner{std::string(Trim(text.substr(0, line_end))),
               std::string(Trim(text.substr(line_end)))};
}

Result<ReservationStore> ReservationStore::Open(const std::filesystem::path& folder,
                                                const std::filesystem::path& indexes) {
  ASSIGN_OR_RETURN(FileLock lock, FileLock::AcquireMakingFolder(folder / "lock", 0755));
  return ReservationStore(folder, indexes, std::move(lock));
}

Result<std::optional<ReservationStore>> ReservationStore::OpenExisting(
    const std::filesystem::path& folder, const std::filesystem::path& indexes) {
  auto lock = FileLock::Acquire(folder / "lock");
  if (!lock && lock.error().code() == Code::kNotFound) return std::nullopt;
  if (!lock) return std::unexpected(std::move(lock).error());
  return ReservationStore(folder, indexes, std::move(*lock));
}

std::filesystem::path ReservationStore::FileOf(const IpAddress& address) const {
  return folder_ / address.ToString();
}

Result<std::optional<Owner>> ReservationStore::ReadOwner(const IpAddress& address) const {
  auto content = ReadRegularFile(FileOf(address), kMaxFileBytes);
  if (content) return ParseOwner(*content);
  if (content.error().code() == Code::kNotFound) return std::nullopt;
  // Too large to be a reservation, or no file at all: somebody's, whoever it is.
  const bool foreign = content.error().code() == Code::kOutOfRange ||
                       content.error().code() == Code::kFailedPrecondition;
  if (foreign) return Owner{};
  return std::unexpected(std::move(content).error());
}

Result<bool> ReservationStore::Reserve(const IpAddress& address, const Owner& owner) {
  ASSIGN_OR_RETURN(const std::optional<Owner> holder, ReadOwner(address));
  if (holder) return false;
  const std::string content = fmt::format("{}\r\n{}", owner.container_id, owner.ifname);
  ASSIGN_OR_RETURN(const bool created, CreateFile(FileOf(address), content, 0644));
  // Half-written by one that was killed, as the reference does, too.
  if (!created) RETURN_IF_ERROR(WriteFileVolatile(FileOf(address), content, 0644));
  index_.Add(owner.container_id, address);
  index_.Mark();
  return true;
}

Result<std::vector<IpAddress>> ReservationStore::ListAddresses() const {
  std::vector<IpAddress> addresses;
  RETURN_IF_ERROR(VisitDirectory(folder_, [&](std::string_view name) {
    const auto address = IpAddress::Parse(name);
    // Another spelling of an address is not host-local's file for it.
    if (address && address->ToString() == name) addresses.push_back(*address);
    return Visit::kGoOn;
  }));
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

Result<std::map<IpAddress, Owner>> ReservationStore::List() {
  ASSIGN_OR_RETURN(const std::vector<IpAddress> addresses, ListAddresses());
  std::map<IpAddress, Owner> owners;
  std::map<IpAddress, std::string> containers;
  std::vector<IpAddress> empty;
  for (const IpAddress& address : addresses) {
    ASSIGN_OR_RETURN(const std::optional<Owner> owner, ReadOwner(address));
    if (!owner) {
      empty.push_back(address);
      continue;
    }
    owners.emplace(address, *owner);
    containers.emplace(address, owner->container_id);
  }
  RETURN_IF_ERROR(RemoveHalfWritten(empty));
  index_.Rebuild(containers);
  return owners;
}

// All writers hold the lock: what one has left that died is nobody's.
Result<> ReservationStore::RemoveHalfWritten(const std::vector<IpAddress>& empty) const {
  RETURN_IF_ERROR(RemoveAbandonedSiblings(folder_));
  for (const IpAddress& address : empty) RETURN_IF_ERROR(RemoveFile(FileOf(address)));
  return {};
}

Result<std::vector<IpAddress>> ReservationStore::FindByOwner(const Owner& owner) {
  std::map<IpAddress, Owner> owners;
  if (index_.complete()) {
    for (const IpAddress& address : index_.Find(owner.container_id)) {
      ASSIGN_OR_RETURN(const std::optional<Owner> holder, ReadOwner(address));
      if (holder) owners.emplace(address, *holder);
    }
  }
  if (!index_.complete()) {
    ASSIGN_OR_RETURN(owners, List());
  }
  std::vector<IpAddress> found;
  for (const auto& [address, holder] : owners) {
    const bool same_interface = holder.ifname == owner.ifname || holder.ifname.empty();
    if (holder.container_id == owner.container_id && same_interface) found.push_back(address);
  }
  return found;
}

Result<> ReservationStore::Release(const IpAddress& address, const Owner& owner) {
  RETURN_IF_ERROR(RemoveFile(FileOf(address)));
  index_.Remove(owner.container_id, address);
  index_.Mark();
  return {};
}

std::optional<IpAddress> ReservationStore::LastReserved(size_t index) const {
  const auto content = ReadRegularFile(LastReservedFile(index), kMaxFileBytes);
  if (!content) return std::nullopt;  // a hint: the next allocation starts at the front
  const auto address = IpAddress::Parse(Trim(*content));
  return address ? std::optional(*address) : std::nullopt;
}

void ReservationStore::SetLastReserved(size_t index, const IpAddress& address) {
  const std::filesystem::path file = LastReservedFile(index);
  const std::string text = address.ToString();
  if (OverwriteFile(file, text).value_or(false)) return;
  (void)WriteFileVolatile(file, text, 0644);
  index_.Mark();
}

std::filesystem::path ReservationStore::LastReservedFile(size_t index) const {
  return folder_ / fmt::format("last_reserved_ip.{}", index);
}

}  // namespace trivet::cni
